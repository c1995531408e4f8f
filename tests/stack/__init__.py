"""The whole platform as supervised local processes: `make up` and the test fixtures share it.

`__main__` parses the command; `config` knows the folder, ports and secrets; `install` brings the
programs, `.venv` and the Kafka jars; `table` lists the processes (`infra` configures the servers);
`control` hands that list as a plan to `supervisor`, which runs in the background;
`ingest` triggers the first ingestion. Standard library only: it runs on the system's Python before
`.venv` exists.
"""
