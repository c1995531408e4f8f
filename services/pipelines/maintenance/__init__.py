"""Maintenance: what follows from the calendar alone, aggregates, and long exports.

Flow: the scheduled job `as_of` (agents) -> steps -> store: filings that lapsed get their status,
prospects whose assessment the new date may change get a new revision, and scoring hears of it.
Besides, `maintenance.competitors` counts what lenders hold in each state (competitors),
`maintenance.portfolio` gives companies the health of their prospects (portfolio), and `export`
(exports) makes Excel files that are too long for a request.
"""
