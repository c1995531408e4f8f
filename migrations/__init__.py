"""Schema migrations: numbered pairs of SQL files, the runner that applies them, and the proof.

The way of a change: sql/NNNN_name.up.sql + .down.sql -> files (read and refuse) -> history
(compare with what the database says) -> policy (squawk, destroyed data) -> runner (lock, apply,
record) -> catalog (what the database holds now, kept to tell drift) -> schema.sql (the same, for
review and for `verify`). Who asks: people by cli; Kubernetes by `--report`, `plan` and state.
"""
