"""Platforms to try tracker against: real servers, faithful to what is known.

One package per provider. `faults` holds what can be made to go wrong in any of them.
"""
