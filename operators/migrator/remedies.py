"""What a person does about each reason of Stalled: pure. operators/README.md says more of each."""

from collections.abc import Mapping

from operators.migrator.status import Reason

REMEDIES: Mapping[Reason, str] = {
    Reason.STATEMENT_FAILED: "Correct the file, or what of the database it fails at.",
    Reason.LOCK_TIMEOUT: (
        "End what holds the lock (status.blockers), or raise spec.timeouts.lockSeconds or "
        "spec.retries.lockRetries."
    ),
    Reason.STATEMENT_TIMEOUT: (
        "Raise spec.timeouts.statementSeconds, or split the statement into smaller ones."
    ),
    Reason.DEADLINE_EXCEEDED: "Raise spec.timeouts.overallSeconds, or split the migration.",
    Reason.CHECKSUM_MISMATCH: (
        "Restore the files as they were applied and put changes into new migrations."
    ),
    Reason.IN_DOUBT: "Look into the database and settle the row of schema_migrations by hand.",
    Reason.LINT_FAILED: (
        "Correct the file, or name it and the rule in spec.policy.exceptions with a reason."
    ),
    Reason.DESTRUCTIVE_NOT_ALLOWED: (
        "Set spec.policy.allowDestructive to true if the data may go, or take the statement out."
    ),
    Reason.SOURCE_INVALID: "Correct the files; all problems are named.",
    Reason.TARGET_UNKNOWN: (
        "Correct spec.targetVersion or spec.rollback.toVersion, or add the files to the source."
    ),
    Reason.DIRECT_URL_REQUIRED: "Put the DSN of PostgreSQL itself, not of PgBouncer, there.",
    Reason.NOT_PERMITTED: "Correct the DSN in the Secret, or grant its role what it lacks.",
    Reason.IMAGE_UNAVAILABLE: (
        "Correct spec.source.image, spec.job.imagePullSecrets or MIGRATOR_IMAGE of the operator."
    ),
    Reason.CONNECTION_LOST: "Look at the network and the memory of PostgreSQL.",
    Reason.JOB_LOST: (
        "Look at who deletes Jobs or pods, and at the memory limit in spec.job.resources."
    ),
    Reason.INTERNAL_ERROR: "Look at the log of the Job's pod and of the migrator.",
}
