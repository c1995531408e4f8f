"""The API part: one million prospects, `wrk`, and two servers to compare with.

world (a real ingestion, multiplied) -> questions (what is asked) -> load (wrk) -> part (rounds,
targets). `bare` and `express` are the servers beside ours; `original.sql` is the table of the
latter.
"""
