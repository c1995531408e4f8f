"""What stacks and clusters can do to the processes they hold, on small processes."""

import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import pytest

from tests.stack import control
from tests.stack.config import Config
from tests.stack.proc import identify
from tests.stack.spec import Spec
from tests.stack.supervised import Supervised

ENV = dict(os.environ)
SHELL = """
trap 'echo had INT; exit' INT
trap 'echo had TERM; exit' TERM
echo up
while :; do sleep 0.1; done
"""


class Small(Supervised):
    """A task and three processes, of which one wants SIGINT."""

    def __init__(self, config: Config) -> None:
        super().__init__(config.folder)
        self.config = config

    def prepare(self) -> list[Spec]:
        return [
            Spec("once", ("true",), env=ENV, task=True),
            self._shell("one", needs=("once",)),
            self._shell("two", needs=("one",), stop_signal="SIGINT"),
            self._shell("three"),
        ]

    def _shell(self, name: str, **fields: Any) -> Spec:
        """Ready when its traps are set."""
        says_so = ("exec", "grep", "-q", "up", str(self._log(name)))
        return Spec(name, ("sh", "-c", SHELL), env=ENV, ready=says_so, **fields)

    def supervise(self, specs: Sequence[Spec]) -> None:
        control.start(self.config, specs, lambda _: None, identify(os.getpid()))

    def start(self) -> Self:
        self.supervise(self.prepare())
        return self

    def stop(self) -> bool:
        return control.stop(self.config)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Small]:
    config = Config.from_environment({"STACK_DIR": str(tmp_path / "stack")})
    config.claim_folder()
    with Small(config) as made:
        yield made


def test_a_killed_process_is_another_one_after(small: Small) -> None:
    before = small.who("one")
    small.kill("one")
    small.wait_ready("one")
    assert not before.alive and small.who("one").alive
    assert small.unit("one")["restarts"] == 1


def test_a_restart_is_by_the_signal_that_the_process_wants(small: Small) -> None:
    small.restart("one")
    small.restart("two")
    assert "had TERM" in small.log("one") and "had INT" in small.log("two")


def test_what_is_held_stays_away_and_the_others_go_on(small: Small) -> None:
    two = small.who("two")
    small.hold("one")
    small.hold("three")
    assert sorted(small.units()) == ["two"] and small.who("two") == two
    small.release()
    assert small.who("one").alive and small.who("three").alive and small.who("two") == two


def test_what_does_not_run_is_not_signalled(small: Small) -> None:
    with pytest.raises(AssertionError, match="once does not run now: done"):
        small.kill("once", signal.SIGTERM)


def test_a_wait_that_is_in_vain_ends_with_the_last_line(small: Small) -> None:
    with pytest.raises(TimeoutError, match=r"once: done; no output"):
        small.wait_ready("once", 0.1)


def test_what_runs_ends_with_the_block(tmp_path: Path) -> None:
    config = Config.from_environment({"STACK_DIR": str(tmp_path / "stack")})
    config.claim_folder()
    with pytest.raises(ZeroDivisionError), Small(config) as small:
        one = small.who("one")
        _ = 1 / 0
    assert not one.alive
