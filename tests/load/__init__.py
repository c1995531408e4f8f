"""`make bench`: measured figures, each beside a baseline of the same run on the same server.

ingestion: prepare (the sample register as psql scripts) -> rounds of pipeline (the real processes)
and baseline (psql) -> a report whose targets decide the exit code.
"""
