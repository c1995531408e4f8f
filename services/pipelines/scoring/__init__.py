"""Scoring: what a prospect's filings show, its health and its priority.

Flow: change messages and jobs (agents) -> batches (steps) -> facts (store) -> assessments
(assess, findings, scores: pure, against an `as_of` date) -> one update a batch (store).
"""
