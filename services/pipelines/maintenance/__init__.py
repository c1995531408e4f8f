"""Maintenance: what follows from the calendar alone, once a day.

Flow: the scheduled job `as_of` (agents) -> steps -> store: filings that lapsed get their status,
prospects whose assessment the new date may change get a new revision, and scoring hears of it.
"""
