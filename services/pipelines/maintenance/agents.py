"""The maintenance worker: one queue, one job at a time."""

from services.common.kafka.pool import QueueSpec
from services.common.kafka.worker import run_worker
from services.pipelines.maintenance.settings import MaintenanceSettings
from services.pipelines.maintenance.steps import QUEUE, Maintenance


def run(settings: MaintenanceSettings) -> None:
    """Keep the calendar until SIGTERM."""
    maintenance = Maintenance(settings.maintenance_batch)
    queue = QueueSpec({"as_of": maintenance.as_of}, concurrency=1)
    run_worker(settings, name="maintenance", queues={QUEUE: queue})
