"""What every process shares: settings, logs, errors, metrics, the database, HTTP and Kafka frames.

Knows no service; a thing enters this package on its second use.
"""
