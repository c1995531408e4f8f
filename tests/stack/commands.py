"""What each command of `python -m tests.stack` does and prints."""

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.stack import control, infra, install, programs
from tests.stack.config import REPO, Config
from tests.stack.control import Home, State
from tests.stack.errors import StackError
from tests.stack.install import say
from tests.stack.ready import probe
from tests.stack.spec import Plan, Spec, with_needs
from tests.stack.table import table

SHOWN = ("prospects", "jobs", "sample_register", "prometheus")
DOCUMENTED = ("prospects", "jobs")


def bring_up(config: Config, only: Sequence[str] = ()) -> None:
    """Install, configure and start; the processes in `only` (all without it) and what they need."""
    config.claim_folder()
    install.install()
    if config.account and config.private.parent != config.folder:
        say(f"user postgres cannot reach {config.folder}: its data is kept in {config.private}.")
    specs = choose(prepare(config), only)
    control.start(config, specs, say)
    say(f"{sum(not spec.task for spec in specs)} processes are up in {config.folder}")


def prepare(config: Config) -> tuple[Spec, ...]:
    """Write the configuration files, then make the process table, which depends on them."""
    infra.write(config)
    return table(config)


def choose(specs: Sequence[Spec], only: Sequence[str]) -> tuple[Spec, ...]:
    """The named processes with what they need; StackError for an unknown name."""
    known = [spec.name for spec in specs]
    unknown = [name for name in only if name not in known]
    if unknown:
        names = ", ".join(known)
        raise StackError(f"no process is called {', '.join(unknown)}; there are: {names}.")
    return with_needs(specs, only or known)


def down(config: Config) -> None:
    """Stop everything."""
    say("stopped" if control.stop(config) else "nothing was running")


def reset(config: Config) -> None:
    """Stop everything and delete the stack's data, logs and secrets."""
    down(config)
    if not config.is_ours:
        return
    private = config.private
    if private.parent != config.folder:
        shutil.rmtree(private, ignore_errors=True)
    shutil.rmtree(config.folder)
    say(f"deleted {config.folder}")


def status(config: Home, up: str = "make up", down: str = "make down") -> bool:
    """Print the table of processes, each asked anew whether it is ready; True if all are."""
    state = State.read(config.folder)
    if not state.units:
        print(f"nothing is running; start it with: {up}")
        return False
    if not state.running:
        left = ", ".join(state.leftovers()) or "nothing"
        print(f"the supervisor is gone; still running: {left}; mend it with: {up} or {down}")
        return False
    units = {name: unit for name, unit in state.units.items() if not unit["task"]}
    with ThreadPoolExecutor(len(units)) as pool:
        answers = pool.map(lambda unit: probe(tuple(unit["ready"])), units.values())
    states = {
        name: "not answering" if unit["state"] == "ready" and not ok else unit["state"]
        for (name, unit), ok in zip(units.items(), answers, strict=True)
    }
    states |= {name: "failed" for name, unit in state.units.items() if unit["state"] == "failed"}
    print(f"{'PROCESS':<16} {'STATE':<14} {'PID':>8} {'PORT':>6} {'UPTIME':>9} {'RESTARTS':>9}")
    for name, shown in states.items():
        print(_row(config, name, shown, state.units[name]))
    return all(shown == "ready" for shown in states.values())


def _row(config: Home, name: str, shown: str, unit: Mapping[str, object]) -> str:
    since = unit["since"]
    up = _span(time.time() - since) if unit["pid"] and isinstance(since, float) else "-"
    row = f"{name:<16} {shown:<14} {unit['pid'] or '-':>8} {unit['port'] or '-':>6} {up:>9} "
    row += f"{unit['restarts']:>9}"
    if shown in ("backoff", "failed"):
        row += f"  {control.last_line(config.folder / 'logs' / f'{name}.log')}"
    return row


def _span(seconds: float) -> str:
    minutes, left = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{left:02}s"


def logs(config: Config, names: Sequence[str], lines: int, follow: bool) -> None:
    """Print the last lines of the named logs (all without names), and go on with `follow`."""
    folder = config.folder / "logs"
    files = [folder / f"{name}.log" for name in names] or sorted(folder.glob("*.log"))
    missing = [file.stem for file in files if not file.exists()]
    if missing or not files:
        what = ", ".join(missing) or "any process"
        raise StackError(f"no log of {what} in {folder}: run make up first.")
    tail = ["tail", "-n", str(lines), *(["-F"] if follow else []), *map(str, files)]
    if follow:
        os.execvp(tail[0], tail)
    subprocess.run(tail, check=False)


def environment(config: Config) -> dict[str, str]:
    """The variables that reach a service of the running stack; StackError where none runs."""
    if not State.read(config.folder).running:
        raise StackError("no stack is running here: start it with make up.")
    ours = [spec for spec in Plan.load(config.folder / "plan.json").specs if spec.cwd == str(REPO)]
    own = {"PATH", "HOME", "USER", "TMPDIR", "LANG", "TZ", "PYTHONUNBUFFERED", "PORT"}
    running = ours[0].env if ours else config.service_environment()
    known = {name: value for name, value in running.items() if name not in own}
    urls = {f"{name.upper()}_URL": config.url(name) for name in DOCUMENTED}
    return known | urls | {"PGBOUNCER_ADMIN_URL": config.pgbouncer_admin_dsn()}


def print_environment(config: Config) -> None:
    """Print `export` lines for eval "$(make -s env)"."""
    for name, value in sorted(environment(config).items()):
        print(f"export {name}={shlex.quote(value)}")


def token(config: Config, role: str, user: str) -> str:
    """A token signed with the running stack's secret."""
    argv = [str(install.PYTHON), "-m", "services.common.http.token", "--role", role]
    argv += ["--user-id", user] if user else []
    env = {**os.environ, **environment(config)}
    done = subprocess.run(argv, cwd=REPO, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines() or ["no reason given"]
        raise StackError(f"no token could be made: {reason[-1]}")
    return done.stdout.strip()


def print_urls(config: Config) -> None:
    """Print where a person can look."""
    running = State.read(config.folder).units
    for name in SHOWN:
        if name in running:
            path = "/docs" if name in DOCUMENTED else ""
            print(f"  {name:<16} {config.url(name)}{path}")


def require_python() -> None:
    """Run on, or start over with, a Python that the project supports."""
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return
    for name in ("python3.13", "python3.12", "python3.11"):
        if path := programs.find(name):
            os.execv(path, [path, "-m", "tests.stack", *sys.argv[1:]])
    version = ".".join(map(str, sys.version_info[:2]))
    raise StackError(f"Python {version} is not supported: install python3.11, 3.12 or 3.13.")
