"""`python -m services.pipelines.ingestion`: the worker that reads state registers."""

from services.common import config, logs
from services.pipelines.ingestion.settings import IngestionSettings

if __name__ == "__main__":
    settings = config.load(IngestionSettings)
    logs.configure("pipelines-ingestion", settings.log_level)
    from services.pipelines.ingestion.agents import run

    run(settings)
