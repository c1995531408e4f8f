"""What a source of data asks for by Retry-After."""

from email.utils import parsedate_to_datetime


def asked_wait(retry_after: str | None, now: float, most_s: float) -> float:
    """Seconds to wait (RFC 9110, 10.2.3: a number or a date), `most_s` at most; 0 without sense."""
    if not retry_after:
        return 0.0
    try:
        asked = float(retry_after)
    except ValueError:
        try:
            asked = parsedate_to_datetime(retry_after).timestamp() - now
        except ValueError:
            return 0.0
    return min(max(asked, 0.0), most_s) if asked == asked else 0.0
