"""Settings of the enrichment worker, and the keys of the outside sources."""

from pydantic import Field, field_validator

from services.common.config import source_given
from services.common.kafka.settings import WorkerSettings
from services.pipelines.enrichment.signals.hiring import Boards

OUTSIDE = (
    "usaspending", "chicago", "sf", "nyc", "osha", "edgar", "adzuna", "greenhouse", "lever",
    "licences",
)  # fmt: skip
"""Names of the outside sources, in the order they are told."""


class SourceKeys(WorkerSettings):
    """What some outside sources want to know of who asks them."""

    source_soda_token: str | None = Field(
        None, repr=False, description="Socrata application token for permits and licences"
    )
    source_osha_key: str | None = Field(
        None, repr=False, description="Key of the DOL API (dataportal.dol.gov); unset: not asked"
    )
    source_edgar_contact: str | None = Field(
        None, description="Mail address that the SEC wants in the User-Agent; unset: not asked"
    )
    source_adzuna_id: str | None = Field(
        None, repr=False, description="Application id of Adzuna; unset: not asked"
    )
    source_adzuna_key: str | None = Field(
        None, repr=False, description="Application key of Adzuna; unset: not asked"
    )
    source_greenhouse_boards: str = Field(
        "", description="Whose each Greenhouse board is, like `acme=CO:Acme LLC; b=CA:B Inc`"
    )
    source_lever_boards: str = Field(
        "", description="The same for Lever; a business without a board is not asked about"
    )

    @field_validator("source_greenhouse_boards", "source_lever_boards")
    @classmethod
    def _boards(cls, value: str) -> str:
        Boards.read("", value)
        return value


class EnrichmentSettings(SourceKeys):
    """What the enrichment worker reads from its environment."""

    port: int = Field(8012, ge=0, le=65535, description="Port of health and metrics")
    enrichment_batch: int = Field(
        500, ge=1, le=5000, description="Changed prospects enriched in one transaction"
    )
    enrichment_job_batch: int = Field(
        50, ge=1, le=500, description="Prospects of one enrichment.batch job"
    )
    enrichment_concurrency: int = Field(
        4, ge=1, le=16, description="Enrichment jobs that one worker runs side by side"
    )
    enrichment_sweep_s: float = Field(
        2, gt=0, description="Seconds between looks for changes whose message was lost"
    )
    enrichment_sweep_age_s: float = Field(
        3, ge=0, description="Seconds a change may wait for its message before a sweep takes it"
    )
    enrichment_sources: str = Field(
        "",
        description="Outside sources that are asked, separated by commas, or `all`, or `none`; "
        "unset: those that a SOURCE_<NAME>_URL or _KEY (_ID, _CONTACT, _BOARDS) is set for",
    )
    enrichment_source_s: float = Field(
        600, gt=0, description="Seconds after which one job asks a source no further"
    )
    enrichment_cache_s: float = Field(
        86_400, ge=0, le=604_800, description="Seconds an answer of an outside source stands"
    )
    enrichment_stale_days: float = Field(
        7, ge=0, description="Days after which an outside source is asked about a prospect again"
    )
    enrichment_stale_max: int = Field(
        5000, ge=1, description="Most prospects that one sweep for stale ones takes"
    )

    @field_validator("enrichment_sources")
    @classmethod
    def _known(cls, value: str) -> str:
        if unknown := set(_names(value)) - {*OUTSIDE, "all", "none"}:
            raise ValueError(f"{', '.join(sorted(unknown))} is none of {', '.join(OUTSIDE)}")
        return value

    @property
    def asked(self) -> frozenset[str]:
        """The outside sources that are asked."""
        named = frozenset(_names(self.enrichment_sources))
        if not named:
            return frozenset(filter(source_given, OUTSIDE))
        return frozenset(OUTSIDE) if "all" in named else named - {"none"}


def _names(text: str) -> list[str]:
    return [name for part in text.split(",") if (name := part.strip())]
