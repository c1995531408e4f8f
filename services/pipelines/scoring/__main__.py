"""`python -m services.pipelines.scoring`: the worker that scores prospects."""

from services.common import config, logs
from services.pipelines.scoring.settings import ScoringSettings

if __name__ == "__main__":
    settings = config.load(ScoringSettings)
    logs.configure("pipelines-scoring", settings.log_level)
    from services.pipelines.scoring.agents import run

    run(settings)
