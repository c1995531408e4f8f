"""What a policy says of files: squawk's rules, destructive statements, exceptions."""

import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from migrations import policy, squawk
from migrations.errors import Destructive, LintFailed, SourceInvalid
from migrations.files import SQL_DIR, Script, load, read
from migrations.policy import OPEN, Finding, Policy, Verdict

STRICT = Policy()
INDEX = "CREATE INDEX i ON t (a);"
NAME = "0001_a.up.sql"


async def judge(
    folder: Path, sql: str, rules: Policy = STRICT, name: str = NAME, known: tuple[str, ...] = ()
) -> Verdict:
    path = folder / name
    path.write_text(sql)
    script: Script = read(path)
    return await policy.judge([script], rules, "15.4", [name, *known])


def excepting(*rules: str, file: str = NAME, **more: Any) -> Policy:
    listed = tuple({"file": file, "rule": rule, "reason": "we know"} for rule in rules)
    return Policy.model_validate({"exceptions": listed, **more})


def told(verdict: Verdict) -> list[tuple[int | None, str, str]]:
    return [(f.line, f.rule, f.level) for f in verdict.findings]


async def test_what_squawk_warns_of_is_refused(tmp_path: Path) -> None:
    verdict = await judge(tmp_path, f"-- head\n\n{INDEX}")
    assert told(verdict) == [(3, "require-concurrent-index-creation", "error")]
    with pytest.raises(LintFailed, match=r"0001_a.up.sql line 3: require-concurrent-index"):
        verdict.refuse()


async def test_a_mild_policy_only_tells(tmp_path: Path) -> None:
    verdict = await judge(tmp_path, INDEX, Policy(lint="warn"))
    assert told(verdict) == [(1, "require-concurrent-index-creation", "warning")]
    verdict.refuse()


async def test_without_lint_nothing_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(squawk, "_program", lambda: 1 / 0)
    assert told(await judge(tmp_path, INDEX, excepting("x", lint="off"))) == []


async def test_taste_is_told_but_never_refused(tmp_path: Path) -> None:
    verdict = await judge(tmp_path, "CREATE TABLE t (a integer);")
    assert told(verdict) == [(1, "prefer-bigint-over-int", "warning")]
    verdict.refuse()


async def test_what_the_runner_sees_to_itself_is_not_asked_for(tmp_path: Path) -> None:
    assert told(await judge(tmp_path, "ALTER TABLE t ADD COLUMN a text;")) == []
    alone = "-- transaction: false\nCREATE INDEX CONCURRENTLY i ON t (a);"
    assert told(await judge(tmp_path, alone)) == []


async def test_what_a_block_executes_is_told_until_somebody_answers_for_it(tmp_path: Path) -> None:
    block = "DO $$ BEGIN EXECUTE (SELECT c FROM q); END $$"
    verdict = await judge(tmp_path, block)
    assert told(verdict) == [(1, "dynamic-sql", "warning")]
    verdict.refuse()
    assert told(await judge(tmp_path, block, excepting("dynamic-sql"))) == [
        (1, "dynamic-sql", "excepted")
    ]


async def test_an_exception_names_file_and_rule_and_is_recorded(tmp_path: Path) -> None:
    verdict = await judge(tmp_path, INDEX, excepting("require-concurrent-index-creation"))
    (finding,) = verdict.findings
    assert (finding.level, finding.reason) == ("excepted", "we know")
    verdict.refuse()


async def test_an_exception_for_another_file_does_not_count(tmp_path: Path) -> None:
    rules = excepting("require-concurrent-index-creation", file="0002_b.up.sql")
    verdict = await judge(tmp_path, INDEX, rules, known=("0002_b.up.sql",))
    assert told(verdict) == [(1, "require-concurrent-index-creation", "error")]


async def test_an_exception_that_matches_nothing_is_told(tmp_path: Path) -> None:
    verdict = await judge(tmp_path, "SELECT 1;", excepting("ban-drop-column"))
    assert told(verdict) == [(None, "unused-exception", "warning")]
    misspelt = await judge(tmp_path, "SELECT 1;", excepting("ban-drop-column", file="0001.up.sql"))
    assert told(misspelt) == [(None, "unused-exception", "warning")]


async def test_an_exception_for_a_file_that_is_applied_already_is_kept(tmp_path: Path) -> None:
    rules = excepting("ban-drop-column", file="0000_before.up.sql")
    assert told(await judge(tmp_path, "SELECT 1;", rules, known=("0000_before.up.sql",))) == []


async def test_a_comment_cannot_switch_a_rule_off(tmp_path: Path) -> None:
    sql = f"-- squawk-ignore require-concurrent-index-creation\n{INDEX}"
    verdict = await judge(tmp_path, sql)
    assert told(verdict) == [(1, "squawk-ignore", "error")]


async def test_what_squawk_cannot_read_is_refused(tmp_path: Path) -> None:
    verdict = await judge(tmp_path, "SELEC 1;")
    assert {(f.rule, f.level) for f in verdict.findings} == {("syntax-error", "error")}


async def test_data_is_destroyed_only_where_it_is_allowed(tmp_path: Path) -> None:
    verdict = await judge(tmp_path, "SELECT 1;\nALTER TABLE t DROP COLUMN a;")
    assert (2, "destructive", "error") in told(verdict)
    with pytest.raises(Destructive, match="line 2: destructive: DROP COLUMN destroys data"):
        verdict.refuse()


@pytest.mark.parametrize("rules", [Policy(allow_destructive=True), excepting("destructive")])
async def test_what_may_be_destroyed_is_no_matter_of_lint_either(
    tmp_path: Path, rules: Policy
) -> None:
    verdict = await judge(tmp_path, "ALTER TABLE t DROP COLUMN a;", rules)
    assert [(f.rule, f.level) for f in verdict.findings] == [
        ("destructive", "excepted"),
        ("ban-drop-column", "excepted"),
    ]
    verdict.refuse()


async def test_without_lint_data_is_still_kept(tmp_path: Path) -> None:
    verdict = await judge(tmp_path, "DROP TABLE t;", Policy(lint="off"))
    with pytest.raises(Destructive):
        verdict.refuse()


async def test_a_down_file_is_judged_for_what_it_destroys_alone(tmp_path: Path) -> None:
    name = "0001_a.down.sql"
    assert told(await judge(tmp_path, "DROP INDEX i;", STRICT, name)) == []
    verdict = await judge(tmp_path, "DROP TABLE t;", STRICT, name)
    assert told(verdict) == [(1, "destructive", "error")]


async def test_a_squawk_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LintFailed, match="install squawk-cli, or set the policy's lint to off"):
        await judge(tmp_path, INDEX)


async def test_a_squawk_that_does_not_work_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "squawk"
    broken.write_text("#!/bin/sh\necho 'no such option' >&2; exit 2\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(LintFailed, match=r"did not work \(no such option\)"):
        await judge(tmp_path, INDEX)


async def test_a_squawk_that_cannot_be_started_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "squawk").write_text("of another machine")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(LintFailed, match=r"did not work \(.*Permission denied"):
        await judge(tmp_path, INDEX)


def test_a_verdict_counts_and_puts_errors_first() -> None:
    wrong, known = (
        Finding(NAME, 1, "r", "error", "m"),
        Finding(NAME, 3, "r", "excepted", "m", "why"),
    )
    shown = Verdict(2, (wrong, known)).shown()
    assert (shown["checked"], shown["errors"], shown["warnings"], shown["excepted"]) == (2, 1, 0, 1)
    assert shown["findings"][1]["reason"] == "why"


@pytest.mark.parametrize(
    "said",
    [
        '{"lint": "loud"}',
        '{"exceptions": [{"file": "a", "rule": "b"}]}',
        '{"exceptions": [{"file": "a", "rule": "b", "reason": ""}]}',
        '{"allowDestructive": true}',
    ],
)
def test_a_malformed_policy_is_refused(said: str) -> None:
    with pytest.raises(ValidationError):
        Policy.model_validate_json(said)


def test_a_malformed_file_of_exceptions_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lint.toml").write_text("[[exceptions]]\nfile = 1\n")
    with pytest.raises(SourceInvalid, match=r"lint.toml is malformed"):
        policy.committed(tmp_path)
    assert policy.committed(tmp_path / "none") == ()


async def test_our_own_files_pass_with_their_committed_exceptions() -> None:
    rules = Policy(exceptions=policy.committed(SQL_DIR))
    names = [s.path.name for m in load() for s in (m.up, m.down)]
    verdict = await policy.judge([m.up for m in load()], rules, "15.0", names)
    assert [str(f) for f in verdict.findings if f.level == "error" or "unused" in f.rule] == []
    assert OPEN.lint == "off"
