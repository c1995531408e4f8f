"""`python -m services.pipelines.maintenance`: the worker that keeps the calendar."""

from services.common import config, logs
from services.pipelines.maintenance.settings import MaintenanceSettings

if __name__ == "__main__":
    settings = config.load(MaintenanceSettings)
    logs.configure("pipelines-maintenance", settings.log_level)
    from services.pipelines.maintenance.agents import run

    run(settings)
