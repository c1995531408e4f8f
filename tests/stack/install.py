"""Bring what a stack needs: Debian packages, `.venv` with the locked dependencies, the Kafka jars.

Every step looks first whether its work is done, so a second call costs milliseconds.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.stack import programs
from tests.stack.config import REPO
from tests.stack.errors import StackError

VENV = REPO / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK_FILE = REPO / "services" / "requirements" / "dev.txt"
POM = REPO / "tests" / "stack" / "kafka" / "pom.xml"
FREE_GB = 3
OPTIONAL = "prometheus"


def install() -> None:
    """Everything, in order; StackError with the remedy where a step cannot be done."""
    _disk()
    packages()
    venv()
    kafka_jars()


def say(text: str) -> None:
    """A line of progress, on stderr: on stdout the results of `env` and `token` stay alone."""
    print(text, file=sys.stderr, flush=True)


def _disk() -> None:
    free = shutil.disk_usage(REPO).free / 1e9
    if free < FREE_GB:
        raise StackError(
            f"only {free:.1f} GB are free on the disk of {REPO}: free {FREE_GB} GB first."
        )


def packages() -> None:
    """Install the Debian packages that are missing; StackError where that cannot be done."""
    missing = programs.missing_packages(jars_cached=jars_folder().exists())
    optional = [] if programs.find(OPTIONAL) or _declined().exists() else [OPTIONAL]
    if missing:
        _apt(missing)
    if optional and os.geteuid() == 0 and shutil.which("apt-get"):
        try:
            _apt(optional)
        except StackError:
            say("prometheus cannot be had by apt-get here: the stack runs without it.")
            _declined().touch()
    programs.java.cache_clear()
    left = programs.missing_packages(jars_cached=jars_folder().exists())
    if left:
        raise StackError(
            f"still missing after apt-get install: {', '.join(left)} (PostgreSQL "
            f"{programs.POSTGRES_FROM}+, Java {programs.JAVA_FROM}+): use Debian 12 or newer."
        )


def more_packages(names: Sequence[str]) -> None:
    """Install Debian packages that only some command needs; StackError where that fails."""
    if names:
        _apt(names)


def _declined() -> Path:
    folder = cache()
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "no-prometheus"


def _apt(names: Sequence[str]) -> None:
    command = f"sudo apt-get install -y {' '.join(names)}"
    if not shutil.which("apt-get"):
        raise StackError(
            f"missing: {', '.join(names)}; this machine has no apt-get: install them by hand."
        )
    prefix: list[str] = []
    if os.geteuid() != 0:
        prefix = _sudo()
        if not prefix:
            raise StackError(
                f"missing: {', '.join(names)}; not root here: run `{command}`, then this again."
            )
    say(f"installing {' '.join(names)} (apt-get) ...")
    run_logged(
        [*prefix, sys.executable, "-m", "tests.stack.apt", *names],
        f"apt-get could not install {' '.join(names)}",
        f"run `{command}` to see why",
    )


def _sudo() -> list[str]:
    if not shutil.which("sudo"):
        return []
    if sys.stdin.isatty():
        return ["sudo"]
    allowed = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    return ["sudo", "-n"] if allowed.returncode == 0 else []


def run_logged(
    argv: Sequence[str],
    failure: str,
    remedy: str,
    cwd: Path = REPO,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a step; where it fails, StackError with its last line, and all of it in a log."""
    done = subprocess.run(
        argv, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        log = cache() / "last-failure.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(done.stdout)
        lines = [line for line in done.stdout.splitlines() if line.strip()]
        last = lines[-1].strip() if lines else f"exit code {done.returncode}"
        raise StackError(f"{failure} ({last}): {remedy}; all of its output is in {log}.")


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold a lock file, so that two calls do not install the same thing at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def venv() -> None:
    """Make `.venv` with the locked dependencies, unless its stamp says that it is just that."""
    if not LOCK_FILE.exists():
        raise StackError(f"{LOCK_FILE} is missing: check the repository out anew.")
    stamp = VENV / ".ucc-intel-stamp"
    wanted = f"{hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest()} {sys.version}"
    place = hashlib.sha256(str(REPO).encode()).hexdigest()[:12]
    with only_one(cache() / f"venv-{place}.lock"):
        if _runs(PYTHON) and stamp.exists() and stamp.read_text() == wanted:
            return
        if VENV.exists() and not (_runs(PYTHON) and _runs(PYTHON, "pip")):
            say("the virtual environment .venv does not work: making it anew ...")
            shutil.rmtree(VENV)
        remedy = "check the network (PyPI), then run this again"
        if not VENV.exists():
            say("making the virtual environment .venv ...")
            run_logged([sys.executable, "-m", "venv", str(VENV)], "venv failed", remedy)
        say("installing the locked Python dependencies (pip) ...")
        pip = [
            str(PYTHON),
            "-m",
            "pip",
            "--disable-pip-version-check",
            "--no-input",
            "install",
            "-q",
        ]
        run_logged(
            [*pip, "--require-hashes", "-r", str(LOCK_FILE)], "pip could not install", remedy
        )
        stamp.write_text(wanted)


def _runs(python: Path, module: str = "sys") -> bool:
    try:
        version = f"import {module}, sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
        return (
            subprocess.run([python, "-c", version], capture_output=True, check=False).returncode
            == 0
        )
    except OSError:
        return False


def cache() -> Path:
    """Folder shared by all stacks of this user."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "ucc-intel"


def digest(path: Path) -> str:
    """Twelve digits that name a cache folder after the content of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def jars_folder() -> Path:
    """Where the jars of the present pom.xml are, once fetched."""
    return cache() / f"kafka-{digest(POM)}"


def kafka_jars() -> None:
    """Fetch the broker's jars by Maven, once for all stacks."""
    target = jars_folder()
    if target.exists():
        return
    with only_one(cache() / "kafka.lock"):
        if target.exists():
            return
        say("fetching the Kafka jars (maven) ...")
        fresh = target.with_name(target.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        goal = [
            "dependency:copy-dependencies",
            "-DincludeScope=runtime",
            f"-DoutputDirectory={fresh}",
        ]
        run_logged(
            [programs.find("mvn"), "-q", "-B", "-f", str(POM), *goal],
            "Maven could not fetch the Kafka jars",
            "check the network (Maven Central), then run this again",
        )
        fresh.rename(target)
