"""How long to wait before what failed is tried again; who waits adds its own jitter. Pure."""

_MOST_DOUBLED = 60  # a float has room for it


def longest(tried: int, first_s: float, most_s: float = float("inf")) -> float:
    """Seconds after try number `tried` (1, 2, ...): doubled by each, at most `most_s`."""
    return min(most_s, first_s * 2.0 ** min(tried - 1, _MOST_DOUBLED))
