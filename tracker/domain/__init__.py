"""What tracker knows and how it reasons: pure, stdlib and pydantic only.

`reading` and `command` hold what enters, `call`, `source` hold what is kept,
`decide` turns the one into the other, `snapshot` and `event` are what is published.
"""
