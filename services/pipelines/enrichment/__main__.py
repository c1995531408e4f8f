"""`python -m services.pipelines.enrichment`: the worker that finds growth signals."""

from services.common import config, logs
from services.pipelines.enrichment.settings import EnrichmentSettings

if __name__ == "__main__":
    settings = config.load(EnrichmentSettings)
    logs.configure("pipelines-enrichment", settings.log_level)
    from services.pipelines.enrichment.agents import run

    run(settings)
