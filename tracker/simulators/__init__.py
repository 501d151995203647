"""Platforms to try tracker against: real servers, faithful to what is known.

One package per provider. What they share lies beside them: `faults` holds what can be
made to go wrong in any of them (`method_faults` for those that tell a GET from a POST),
`reception` is where requests arrive and are written down in the `journal`, `access`
has the tokens that admit, `reply` and `flow` are answers before they are HTTP, `pace`
keeps random traffic going, `control` and `process` are for whoever runs one elsewhere.
"""
