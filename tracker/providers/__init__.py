"""Platforms, each in its own words, each with the same files.

`settings` what an operator writes, `wire` what the platform sends, `normalise` what it
means, `client` how it is asked, `source` what is observed. `registry` lists them all.
What they share lies here, in files of the same names, and in `agents` and `http`.
"""
