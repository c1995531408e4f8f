"""Is a process ready? The checks that `supervisor` waits for and `status` asks again."""

import socket
import subprocess
import urllib.error
import urllib.request

TIMEOUT_S = 5.0

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def probe(check: tuple[str, ...]) -> bool:
    """One try of a readiness check (see Spec.ready); blocks for at most TIMEOUT_S."""
    match check:
        case ("tcp", port):
            return _tcp(int(port))
        case ("http", url):
            return _http(url)
        case ("exec", *argv):
            return _exec(argv)
        case _:
            return True


def _tcp(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S):
            return True
    except OSError:
        return False


def _http(url: str) -> bool:
    try:
        with _opener.open(url, timeout=TIMEOUT_S) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def _exec(argv: list[str]) -> bool:
    try:
        done = subprocess.run(argv, capture_output=True, timeout=TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
