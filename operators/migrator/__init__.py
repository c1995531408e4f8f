"""The migrator: brings databases to the schema version that a SchemaMigration asks for.

The way of a change: handlers (kopf hears of it) -> queue (one look a resource at a time) ->
reconcile (asks the cluster and the database) -> decide (pure: what is true, what to do) -> kube
(a Job to run, a status to patch, Events to tell). Every look starts from nothing: what is
known lies in the resource's status, in its Jobs and in the database.
"""
