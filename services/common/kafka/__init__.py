"""Workers on Kafka and the jobs table; a pipeline begins at `worker.run_worker`."""
