"""Settings of every process: the only reader of the environment next to each settings.py.

`python -m services.common.config services.jobs.settings ...` prints the table of the README.
"""

import importlib
import ipaddress
import os
import sys
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Literal, NoReturn, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.common.errors import Misconfigured


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _networks(value: str) -> str:
    for part in filter(None, map(str.strip, value.split(","))):
        ipaddress.ip_network(part, strict=False)
    return value


LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)]
PostgresUrl = Annotated[str, StringConstraints(pattern=r"^postgres(ql)?://")]
HttpAddress = Annotated[str, StringConstraints(pattern=r"^https?://[^/\s]+")]
Networks = Annotated[str, AfterValidator(_networks)]
_TIER = "The same for role {}; unset: RATE_LIMIT_MAX; 0: off"


class Environment(BaseSettings):
    """What is true of every process; one without a database begins here."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    log_level: LogLevel = Field("INFO", description="Least severe log that is written")


class Settings(Environment):
    """What a process with a database reads; it adds its own in a subclass in its settings.py."""

    port: int = Field(8000, ge=0, le=65535, description="Port of HTTP: API, health, metrics")
    database_url: PostgresUrl = Field(
        repr=False, description="PostgreSQL through PgBouncer (transaction mode)"
    )
    database_direct_url: PostgresUrl | None = Field(
        None, repr=False, description="PostgreSQL without PgBouncer: migrations and LISTEN"
    )
    redis_url: str = Field(
        "redis://127.0.0.1:6379/0", repr=False, description="Redis: rate limits and caches"
    )
    kafka_brokers: str = Field(
        "127.0.0.1:9092", description="Kafka brokers, host:port separated by commas"
    )
    db_pool_max: int = Field(20, ge=1, description="Most database connections of this process")
    db_pool_idle_s: float = Field(
        30, gt=0, description="Seconds after which an idle database connection is closed"
    )
    db_connect_timeout_s: float = Field(
        2, gt=0, description="Seconds to wait for a new or a free database connection (then 503)"
    )
    listen_address: str = Field("0.0.0.0", description="Address that HTTP listens on")
    request_deadline_s: float = Field(
        10, gt=0, description="Seconds a request may take before it is cancelled (504)"
    )
    head_timeout_s: float = Field(
        10, gt=0, description="Seconds a client may take to send the head of a request"
    )
    body_timeout_s: float = Field(
        8, gt=0, description="Seconds a client may take to send the body of a request (408)"
    )
    body_limit_bytes: int = Field(10 * 1024 * 1024, gt=0, description="Largest body taken (413)")
    not_ready_s: float = Field(
        1, ge=0, description="Seconds of `not ready` after SIGTERM before the port closes"
    )
    drain_s: float = Field(
        10, ge=0, description="Seconds that work in flight may take after SIGTERM"
    )


class JwtSettings(BaseSettings):
    """How tokens are checked: HS256 by a shared secret, RS256 and ES256 by published keys."""

    model_config = Settings.model_config

    jwt_jwks_url: HttpAddress | None = Field(
        None, description="Address of the key set (RFC 7517) of RS256 and ES256 tokens"
    )
    jwt_secret: SecretStr | None = Field(
        None,
        min_length=16,
        validate_default=True,
        description="Key of HS256 tokens; RFC 7518, 3.2 asks for 32 characters; "
        "required unless JWT_JWKS_URL is set",
    )
    jwt_audience: str | None = Field(None, description="Accepted `aud`; unset: not checked")
    jwt_issuer: str | None = Field(None, description="Accepted `iss`; unset: not checked")

    @field_validator("jwt_secret")
    @classmethod
    def _some_key(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None and info.data.get("jwt_jwks_url") is None:
            raise ValueError("Field required")
        return value


class LimitSettings(BaseSettings):
    """How many requests a caller may make in a window, by the role of its token."""

    model_config = Settings.model_config

    rate_limit_max: int = Field(
        100,
        ge=0,
        description="Requests of a user, or an address without token, in a window; 0: off",
    )
    rate_limit_window_s: int = Field(900, ge=1, description="Seconds of a rate limit window")
    rate_limit_max_admin: int | None = Field(None, ge=0, description=_TIER.format("admin"))
    rate_limit_max_analyst: int | None = Field(None, ge=0, description=_TIER.format("analyst"))
    rate_limit_max_viewer: int | None = Field(None, ge=0, description=_TIER.format("viewer"))
    rate_limit_max_service: int | None = Field(
        100_000, ge=0, description="The same for role service, which programs have; 0: off"
    )
    redis_cluster: bool = Field(
        False, description="REDIS_URL is a node of a cluster (so does a scheme redis+cluster://)"
    )

    def tier(self, role: str | None) -> int:
        """Requests in a window for a role, or for a caller without token; 0 is no limit."""
        own: int | None = getattr(self, f"rate_limit_max_{role}") if role else None
        return self.rate_limit_max if own is None or not self.rate_limit_max else own


class ApiSettings(Settings, JwtSettings, LimitSettings):
    """What a process with an authenticated API reads on top."""

    cors_origin: str = Field(
        "http://localhost:5173", description="Origins of browsers let in, separated by commas"
    )
    trusted_proxies: Networks = Field(
        "",
        description="Networks whose X-Forwarded-For is believed, separated by commas",
    )
    users_poll_s: float = Field(
        1, gt=0, le=1.5, description="Seconds between looks for disabled users"
    )

    @cached_property
    def cors_origins(self) -> frozenset[str]:
        """The origins of `cors_origin`."""
        return frozenset(map(str.strip, self.cors_origin.split(",")))


T = TypeVar("T", bound=BaseSettings)


def load(cls: type[T]) -> T:
    """Read `cls` from the environment; a bad one prints every bad key at once and exits 2."""
    try:
        return cls()
    except ValidationError as exc:
        refuse([_problem(cls, str(e["loc"][0]), e["msg"]) for e in exc.errors()])


def refuse(problems: list[str]) -> NoReturn:
    """Print what is wrong with the environment and exit 2."""
    lines = "\n".join(f"  {p}" for p in problems)
    sys.stderr.write(f"This environment is not usable; correct it and start again:\n{lines}\n")
    raise SystemExit(2)


def source_url(name: str, default: str) -> str:
    """`default` with scheme and host of SOURCE_<NAME>_URL where that is set.

    Raises Misconfigured where the variable is no `http(s)://host[:port]`.
    """
    key = f"SOURCE_{name.upper()}_URL"
    value = os.environ.get(key)
    if not value:
        return default
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/"):
        raise Misconfigured(f"{key} must be http(s)://host[:port] without a path.")
    return urlsplit(default)._replace(scheme=parts.scheme, netloc=parts.netloc).geturl()


def source_rate(name: str, default: float, url: str = "") -> float | None:
    """Requests a second for a source: SOURCE_<NAME>_RATE, else `default`; None is no limit.

    A source on loopback (`url`, or SOURCE_<NAME>_URL) has no limit unless one is set.
    Raises Misconfigured where the variable is no positive number.
    """
    key = f"SOURCE_{name.upper()}_RATE"
    if value := os.environ.get(key):
        try:
            rate = float(value)
        except ValueError:
            rate = 0
        if not 0 < rate < float("inf"):
            raise Misconfigured(f"{key} must be a positive number of requests a second.")
        return rate
    return None if _is_loopback(urlsplit(source_url(name, url)).hostname) else default


def source_quota(name: str, default: int | None) -> int | None:
    """Requests a month for a source: SOURCE_<NAME>_QUOTA, else `default`; None is no limit.

    Raises Misconfigured where the variable is no whole number above 0.
    """
    key = f"SOURCE_{name.upper()}_QUOTA"
    value = os.environ.get(key)
    if not value:
        return default
    if not value.isdecimal() or not 0 < int(value) < 2**31:
        raise Misconfigured(f"{key} must be a whole number of requests a month.")
    return int(value)


def source_given(name: str) -> bool:
    """Whether the environment says where a source is, or who asks it."""
    parts = ("URL", "KEY", "ID", "CONTACT", "BOARDS")
    return any(os.environ.get(f"SOURCE_{name.upper()}_{part}") for part in parts)


def _is_loopback(host: str | None) -> bool:
    if host in (None, "localhost"):
        return host is not None
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _problem(cls: type[BaseSettings], field: str, message: str) -> str:
    return f"{field.upper()}: {message} ({cls.model_fields[field].description})"


_SOURCES = (
    ("SOURCE_<NAME>_URL", "the public address", "Scheme and host of a source of data instead"),
    ("SOURCE_<NAME>_RATE", "by source", "Requests a second to a source; loopback: no limit"),
    ("SOURCE_<NAME>_QUOTA", "by source", "Requests a month to an enrichment source"),
)


def _rows(modules: list[str]) -> Iterator[tuple[str, str, str]]:
    for module in modules:
        for cls in vars(importlib.import_module(module)).values():
            if not (isinstance(cls, type) and issubclass(cls, BaseSettings)):
                continue
            for name, field in cls.model_fields.items():
                default = "required" if field.is_required() else _shown(field.default)
                yield name.upper(), default, field.description or ""


def _shown(default: object) -> str:
    return "unset" if default in (None, "") else f"`{default}`"


def table(modules: list[str]) -> str:
    """Markdown table of the settings classes in `modules`; a row a name and default."""
    rows: dict[tuple[str, str], list[str]] = {}
    for name, default, meaning in (*_rows(["services.common.config", *modules]), *_SOURCES):
        rows.setdefault((name, meaning), []).append(default)
    lines = [
        f"| `{name}` | {' / '.join(dict.fromkeys(defaults))} | {meaning} |"
        for (name, meaning), defaults in sorted(rows.items())
    ]
    return "\n".join(["| environment | default | meaning |", "|---|---|---|", *lines])


if __name__ == "__main__":
    sys.stdout.write(table(sys.argv[1:]) + "\n")
