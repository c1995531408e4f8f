"""The maintenance worker: one queue, the daily work, aggregates, exports, bulk jobs."""

from services.common.kafka.pool import QueueSpec
from services.common.kafka.worker import run_worker
from services.pipelines.maintenance.bulk import bulk
from services.pipelines.maintenance.competitors import Competitors
from services.pipelines.maintenance.exports import export
from services.pipelines.maintenance.portfolio import portfolio
from services.pipelines.maintenance.retention import retention
from services.pipelines.maintenance.settings import MaintenanceSettings
from services.pipelines.maintenance.steps import QUEUE, Maintenance, today


def run(settings: MaintenanceSettings) -> None:
    """Keep the calendar and make files until SIGTERM."""
    maintenance = Maintenance(settings.maintenance_batch)
    handlers = {
        "as_of": maintenance.as_of,
        "export": export,
        "jobs.bulk": bulk,
        "maintenance.competitors": Competitors(today).run,
        "maintenance.portfolio": portfolio,
        "maintenance.retention": retention,
    }
    run_worker(settings, name="maintenance", queues={QUEUE: QueueSpec(handlers, concurrency=2)})
