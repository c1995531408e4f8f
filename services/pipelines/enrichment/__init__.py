"""Enrichment: growth signals of prospects from sources beside their own registers' facts.

Flow: change messages and jobs (agents) -> batches (steps) -> signals (one module a source) ->
merge (store) -> `signals.changed` where a signal came, changed or went. Jobs also ask outside
sources (outside, catalog), which no change ever waits for.
"""
