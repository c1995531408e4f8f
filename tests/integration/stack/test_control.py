"""The supervisor and its control, on small processes instead of servers."""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.stack import commands, control
from tests.stack.config import Config
from tests.stack.control import State
from tests.stack.errors import StackError
from tests.stack.proc import Identity, identify
from tests.stack.spec import Spec

ENV = dict(os.environ)
SLEEP = Spec("sleep", ("sleep", "600"), env=ENV)


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Config]:
    made = Config.from_environment({"STACK_DIR": str(tmp_path / "stack")})
    made.claim_folder()
    yield made
    control.stop(made)


def start(config: Config, *specs: Spec) -> list[str]:
    """Start processes; what the person was told."""
    told: list[str] = []
    control.start(config, specs, told.append, identify(os.getpid()))
    return told


def who(config: Config, name: str) -> Identity:
    return State.read(config.folder).who(name)


def python(name: str, code: str, **fields: Any) -> Spec:
    return replace(Spec(name, (sys.executable, "-u", "-c", code), env=ENV), **fields)


def wait_for(config: Config, name: str, **expected: object) -> None:
    end = time.monotonic() + 60
    while not expected.items() <= State.read(config.folder).units[name].items():
        assert time.monotonic() < end, State.read(config.folder).units[name]
        time.sleep(0.02)


def test_a_process_runs_until_it_is_stopped(config: Config) -> None:
    start(config, SLEEP)
    running = who(config, "sleep")
    assert running.alive
    control.stop(config)
    assert not running.alive
    assert not State.read(config.folder).running


def test_a_task_ends_before_what_needs_it_starts(config: Config, tmp_path: Path) -> None:
    made = tmp_path / "made"
    slow = python("slow", f"import time; time.sleep(0.3); open({str(made)!r}, 'w')", task=True)
    late = python("late", f"import time; assert open({str(made)!r}); time.sleep(600)")
    start(config, replace(late, needs=("slow",)), slow)
    assert State.read(config.folder).units["late"]["exits"] == 0


def test_a_killed_process_is_started_again(config: Config) -> None:
    start(config, SLEEP)
    first = who(config, "sleep")
    os.kill(first.pid, signal.SIGKILL)
    wait_for(config, "sleep", restarts=1, state="ready")
    assert who(config, "sleep").pid != first.pid


def test_a_second_start_leaves_alone_what_did_not_change(config: Config) -> None:
    start(config, SLEEP)
    first = who(config, "sleep")
    start(config, SLEEP)
    assert who(config, "sleep") == first


def test_another_environment_restarts_just_the_process_that_has_it(config: Config) -> None:
    other = replace(SLEEP, name="other")
    start(config, SLEEP, other)
    first, kept = who(config, "sleep"), who(config, "other")
    start(config, replace(SLEEP, env={**ENV, "SOURCE_CO_URL": "http://127.0.0.1:1"}), other)
    assert not first.alive
    assert who(config, "sleep").alive
    assert who(config, "other") == kept


def test_a_process_that_left_the_plan_is_stopped(config: Config) -> None:
    start(config, SLEEP, replace(SLEEP, name="other"))
    gone = who(config, "other")
    start(config, SLEEP)
    assert not gone.alive
    assert set(State.read(config.folder).units) == {"sleep"}


def test_what_does_not_start_is_named_with_its_last_line(config: Config) -> None:
    broken = python("broken", "print('starting'); raise SystemExit('no module named x')")
    broken = replace(broken, ready=("exec", "false"))
    with pytest.raises(StackError, match=r"does not start: broken \(no module named x\)"):
        start(config, SLEEP, broken)
    assert who(config, "sleep").alive


def test_what_waits_for_a_failed_task_is_named(config: Config) -> None:
    task = python("task", "raise SystemExit('no database')", task=True)
    with pytest.raises(StackError, match=r"task \(no database\); waiting for it: sleep\."):
        start(config, task, replace(SLEEP, needs=("task",)))


def test_a_second_start_goes_on_where_the_first_was_stopped(config: Config) -> None:
    gate = config.folder / "gate"
    task = Spec("task", ("test", "-e", str(gate)), env=ENV, task=True)
    specs = (task, replace(SLEEP, needs=("task",)))
    with pytest.raises(StackError, match="task"):
        start(config, *specs)
    gate.touch()
    start(config, *specs)
    assert who(config, "sleep").alive


def test_a_program_that_is_missing_is_named(config: Config) -> None:
    with pytest.raises(StackError, match=r"no-such-program cannot be started"):
        start(config, Spec("broken", ("/no-such-program",), env=ENV))


def test_a_taken_port_is_named_with_its_owner(config: Config) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(
            StackError, match=rf"port {port} of sleep is used by .*STACK_PORT_SLEEP"
        ):
            start(config, replace(SLEEP, port=port))


def test_a_process_that_ignores_sigterm_is_killed_after_its_grace(config: Config) -> None:
    code = (
        "import signal, time; signal.signal(15, signal.SIG_IGN); open(PATH, 'w'); time.sleep(600)"
    )
    armed = config.folder / "armed"
    deaf = python("deaf", f"PATH = {str(armed)!r}; {code}", grace=0.2)
    start(config, replace(deaf, ready=("exec", "test", "-e", str(armed))))
    running = who(config, "deaf")
    control.stop(config)
    assert not running.alive


def test_processes_stop_before_what_they_need(config: Config, tmp_path: Path) -> None:
    order = tmp_path / "order"
    code = (
        "import signal, sys, time\n"
        "def end(*_): open({path!r}, 'a').write({name!r} + ' '); time.sleep({rest}); sys.exit()\n"
        "signal.signal(15, end); open({path!r} + {name!r}, 'w'); time.sleep(600)"
    )
    specs = [
        replace(
            python(name, code.format(path=str(order), name=name, rest=rest), needs=needs),
            ready=("exec", "test", "-e", f"{order}{name}"),
        )
        for name, rest, needs in (("server", 0, ()), ("client", 0.3, ("server",)))
    ]
    start(config, *specs)
    control.stop(config)
    assert order.read_text() == "client server "


def test_what_a_killed_supervisor_left_is_stopped_by_down(config: Config) -> None:
    start(config, SLEEP)
    state = State.read(config.folder)
    os.kill(state.supervisor.pid, signal.SIGKILL)
    assert control.stop(config)
    assert not state.who("sleep").alive


def test_what_a_killed_supervisor_left_is_healed_by_up(config: Config) -> None:
    start(config, SLEEP)
    state = State.read(config.folder)
    os.kill(state.supervisor.pid, signal.SIGKILL)
    while state.supervisor.alive:
        time.sleep(0.01)
    told = start(config, SLEEP)
    assert "a half-started stack was left here: stopping sleep" in told[0]
    assert not state.who("sleep").alive
    assert who(config, "sleep").alive


def test_a_stranger_with_a_recorded_pid_is_not_killed(config: Config) -> None:
    start(config, SLEEP)
    control.stop(config)
    unit = {"pid": os.getpid(), "started": "another boot/1", "stop_signal": "SIGKILL", "grace": 1}
    state = {"pid": 0, "started": "", "generation": "", "units": {"sleep": unit}}
    (config.folder / "state.json").write_text(json.dumps(state))
    assert not control.stop(config)


def test_a_stack_ends_with_its_owner(config: Config) -> None:
    control.start(config, [SLEEP], lambda _: None, identify(os.getpid()))
    running = who(config, "sleep")
    control.start(config, [SLEEP], lambda _: None, Identity(os.getpid(), "an owner that is gone"))
    end = time.monotonic() + 60
    while running.alive and time.monotonic() < end:
        time.sleep(0.05)
    assert not running.alive


def test_status_shows_state_port_and_restarts(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    start(config, SLEEP)
    assert commands.status(config)
    row = capsys.readouterr().out.splitlines()[1].split()
    assert row[:2] == ["sleep", "ready"]
    assert row[-1] == "0"


def test_status_of_nothing_is_not_well(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    assert not commands.status(config)
    assert "make up" in capsys.readouterr().out


def test_a_second_stack_runs_beside_the_first(config: Config, tmp_path: Path) -> None:
    other = Config.from_environment({"STACK_DIR": str(tmp_path / "other")})
    other.claim_folder()
    start(config, SLEEP)
    start(other, SLEEP)
    control.stop(other)
    assert who(config, "sleep").alive


def test_reset_deletes_the_folder(config: Config) -> None:
    start(config, SLEEP)
    commands.reset(config)
    assert not config.folder.exists()
