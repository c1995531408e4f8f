"""The Dockerfile keeps the promises that need no build to be seen."""

import re
from pathlib import Path

import pytest

from services import __version__
from tests.images.source import DOCKERFILE, TARGETS

REPO = Path(__file__).parents[3]
TEXT = DOCKERFILE.read_text().replace("\\\n", " ")
LABELS = ("description", "licenses", "title")
"""What is the same in each build; the rest is given by --label."""


def stage(name: str) -> list[str]:
    """Instructions of a stage and of the stages it starts from, lowest first."""
    found = re.search(rf"^FROM (\S+) AS {name}\n(.*?)(?=^FROM |\Z)", TEXT, re.M | re.S)
    assert found, name
    own = [line for line in found[2].splitlines() if line and not line.startswith("#")]
    below = [] if found[1] in ("scratch", "${BASE}") else stage(found[1])
    return below + own


def last(target: str, instruction: str) -> str:
    """What the last instruction of this kind says in a target."""
    return [line for line in stage(target) if line.split()[0] == instruction][-1].split(" ", 1)[1]


def test_the_base_is_given_from_outside_and_names_no_registry() -> None:
    assert TEXT.count("ARG BASE=") == 1
    (base,) = re.findall(r"^ARG BASE=(\S+)$", TEXT, re.M)
    assert re.fullmatch(r"[a-z]+:[\w.-]+", base)


@pytest.mark.parametrize("word", ["http:", "https:", "docker.io", "--index-url", "--find-links"])
def test_no_step_names_an_address(word: str) -> None:
    assert word not in TEXT + (REPO / "services" / "image.sh").read_text()


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_runs_as_a_numeric_user(target: str) -> None:
    assert last(target, "USER") == "10001:10001"


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_stops_by_sigterm_and_takes_a_module(target: str) -> None:
    assert last(target, "STOPSIGNAL") == "SIGTERM"
    assert last(target, "ENTRYPOINT") == '["python", "-m"]'
    assert re.fullmatch(r'\["[a-z_.]+"\]', last(target, "CMD"))


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_says_what_it_is(target: str) -> None:
    told = " ".join(line for line in stage(target) if line.startswith("LABEL"))
    assert sorted(re.findall(r"org\.opencontainers\.image\.(\w+)=", told)) == sorted(LABELS)


def test_another_commit_changes_no_instruction() -> None:
    assert re.findall(r"^ARG (\w+)", TEXT, re.M) == ["BASE"]


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_runs_in_a_stage_that_is_shipped(target: str) -> None:
    assert not [line for line in stage(target) if line.startswith("RUN")]


@pytest.mark.parametrize("target", TARGETS)
def test_packages_are_installed_before_the_source_comes_in(target: str) -> None:
    copied = [line for line in stage(target) if line.startswith("COPY")]
    assert [line.split()[1] for line in copied] == [
        "--from=trimmed",
        f"--from={target}-packages",
        f"--from={target}-source",
    ]
    assert not [line for line in stage(f"{target}-packages") if "COPY services services" in line]


def test_only_locked_wheels_are_installed() -> None:
    script = (REPO / "services" / "image.sh").read_text()
    (command,) = re.findall(r"pip --python .*? -r", script, re.S)
    assert "--require-hashes" in command
    assert "--only-binary :all:" in command


def test_the_ignore_file_lets_in_only_what_is_listed() -> None:
    lines = (REPO / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert [line for line in rules if line.startswith("!")] == [
        "!services",
        "!migrations",
        "!operators",
    ]


def test_the_version_is_the_one_of_the_project() -> None:
    assert f'version = "{__version__}"' in (REPO / "pyproject.toml").read_text()
