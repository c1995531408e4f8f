"""The maintenance worker: one queue, the daily work and one export at a time."""

from services.common.kafka.pool import QueueSpec
from services.common.kafka.worker import run_worker
from services.pipelines.maintenance.exports import export
from services.pipelines.maintenance.settings import MaintenanceSettings
from services.pipelines.maintenance.steps import QUEUE, Maintenance


def run(settings: MaintenanceSettings) -> None:
    """Keep the calendar and make files until SIGTERM."""
    maintenance = Maintenance(settings.maintenance_batch)
    queue = QueueSpec({"as_of": maintenance.as_of, "export": export}, concurrency=2)
    run_worker(settings, name="maintenance", queues={QUEUE: queue})
