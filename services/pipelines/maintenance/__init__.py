"""Maintenance: what follows from the calendar alone, once a day, and long exports.

Flow: the scheduled job `as_of` (agents) -> steps -> store: filings that lapsed get their status,
prospects whose assessment the new date may change get a new revision, and scoring hears of it.
Besides, job `export` (exports) makes Excel files that are too long for a request.
"""
