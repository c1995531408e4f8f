"""A stand-in state register: seeded, invented UCC filings served in the shape of Colorado's data.

Flow: names and lenders (word lists) -> firms -> episodes (one loan and its later amendments) ->
generator (+ dirt, rows written by hand) -> dataset (rows as JSON bytes with indexes) -> soda and
query ($where, $order, ...) -> app. It holds no state but its fault switches and needs no database.
"""
