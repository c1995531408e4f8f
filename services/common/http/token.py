"""Make a token for trials: `python -m services.common.http.token --role analyst`.

Reads JWT_SECRET, JWT_AUDIENCE and JWT_ISSUER like the services do.
"""

import argparse
import sys
import warnings
from datetime import UTC, datetime, timedelta

import jwt

from services.common.config import JwtSettings, load
from services.common.errors import Misconfigured
from services.common.types import Role

LIFE = timedelta(days=7)
DEFAULT_USERS = {
    role: f"00000000-0000-4000-8000-{number:012d}" for number, role in enumerate(Role, 1)
}


def make(settings: JwtSettings, role: Role, user_id: str = "", life: timedelta = LIFE) -> str:
    """A signed HS256 token; without `user_id` it is the default user of the role.

    Raises Misconfigured without JWT_SECRET.
    """
    now = datetime.now(UTC)
    claims = {"sub": user_id or DEFAULT_USERS[role], "role": role, "iat": now, "exp": now + life}
    if settings.jwt_audience:
        claims["aud"] = settings.jwt_audience
    if settings.jwt_issuer:
        claims["iss"] = settings.jwt_issuer
    if settings.jwt_secret is None:
        raise Misconfigured("JWT_SECRET is not set: tokens of JWT_JWKS_URL come from their issuer.")
    return jwt.encode(claims, settings.jwt_secret.get_secret_value(), algorithm="HS256")


def main(argv: list[str]) -> None:
    """Print a token; a bad role exits 2 with the roles there are."""
    parser = argparse.ArgumentParser(prog="token", description="Print a token of seven days.")
    parser.add_argument("--role", choices=[*map(str, Role)], default="analyst")
    parser.add_argument("--user-id", default="", help="subject; each role has a default")
    options = parser.parse_args(argv)
    warnings.filterwarnings("ignore", category=jwt.InsecureKeyLengthWarning)
    try:
        token = make(load(JwtSettings), Role(options.role), options.user_id)
    except Misconfigured as exc:
        parser.error(exc.detail)
    sys.stdout.write(token + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
