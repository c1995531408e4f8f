"""Jobs: the API over the ledger, the relay to Kafka, the scheduler with the sweeper."""
