"""The store: real Redis or Valkey, from the first minute.

`redis` and `embedded` reach a server; `keys` and `codec` say what lies in it; `leases`,
`registry`, `inbox`, `ledger` and `outbox` are what others use of it.
"""
