"""Whether pending files may run: squawk's rules and destructive statements, with exceptions.

The policy comes from whoever owns the database (`MIGRATION_POLICY`); an exception names file,
rule and reason, so that each stays written down. Between files and runner.
"""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from migrations import destructive, squawk
from migrations.errors import Destructive, LintFailed, SourceInvalid
from migrations.files import Script

Level = Literal["error", "warning", "excepted"]
DESTRUCTIVE, UNUSED, IGNORES = "destructive", "unused-exception", "squawk-ignore"
HIDDEN = "dynamic-sql"
EXCEPTIONS = "lint.toml"
# Rules of taste: told, but no reason to hold a deployment up.
_ADVICE = "prefer-"
# What squawk says of statements that the policy already judges as destructive.
_SAME = ("ban-drop-table", "ban-drop-column", "ban-drop-database", "ban-truncate-cascade")
_RANK = {"error": 0, "warning": 1, "excepted": 2}


class Exemption(BaseModel):
    """A rule that does not hold for one file, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str = Field(min_length=1)
    rule: str = Field(min_length=1)
    reason: str = Field(min_length=1)


class Policy(BaseModel):
    """What may run on a database."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lint: Literal["error", "warn", "off"] = "error"
    exceptions: tuple[Exemption, ...] = ()
    allow_destructive: bool = False


OPEN = Policy(lint="off", allow_destructive=True)


@dataclass(frozen=True, slots=True)
class Finding:
    """A breach of a rule; `reason` is that of the exception, where one allows it."""

    file: str
    line: int | None
    rule: str
    level: Level
    message: str
    reason: str | None = None

    def __str__(self) -> str:
        place = f"{self.file} line {self.line}" if self.line else self.file
        return f"{place}: {self.rule}: {self.message}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found in the files that are to run; errors come first."""

    checked: int
    findings: tuple[Finding, ...]

    def of(self, level: Level) -> list[Finding]:
        """The findings of one level."""
        return [f for f in self.findings if f.level == level]

    def shown(self) -> dict[str, Any]:
        """As the report has it."""
        findings = [{k: v for k, v in asdict(f).items() if v is not None} for f in self.findings]
        return {
            "checked": self.checked,
            "errors": len(self.of("error")),
            "warnings": len(self.of("warning")),
            "excepted": len(self.of("excepted")),
            "findings": findings,
        }

    def refuse(self) -> None:
        """Raise Destructive or LintFailed where there is an error, with what to do."""
        errors = self.of("error")
        grave = [f for f in errors if f.rule == DESTRUCTIVE]
        if grave:
            raise Destructive(
                "\n".join(map(str, grave)) + "\nIf the data may go, allow it: the policy's "
                f"allow_destructive, or an exception with rule `{DESTRUCTIVE}`. Nothing was run.",
                file=grave[0].file,
                line=grave[0].line,
            )
        if errors:
            raise LintFailed(
                "\n".join(map(str, errors)) + "\nCorrect the file, or add an exception with file, "
                "rule and reason to the policy. Nothing was run.",
                file=errors[0].file,
                line=errors[0].line,
            )


def committed(directory: Path) -> tuple[Exemption, ...]:
    """The exceptions in lint.toml beside the files; raises SourceInvalid where it is malformed."""
    path = directory / EXCEPTIONS
    if not path.is_file():
        return ()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        return Policy.model_validate(data).exceptions
    except (ValidationError, tomllib.TOMLDecodeError) as exc:
        raise SourceInvalid(f"{path.name} is malformed: {exc}") from exc


async def judge(
    scripts: Sequence[Script], policy: Policy, server_version: str, known: Sequence[str]
) -> Verdict:
    """What the policy says of `scripts`; `known` are the names of all files of the source.

    Raises LintFailed where squawk does not work.
    """
    found = [*_destructive(scripts, policy), *_hidden(scripts, policy)]
    if policy.lint != "off":
        ups = [s for s in scripts if s.is_up]
        remarks = await squawk.remarks(ups, server_version)
        allowed = {f.file for f in found if (f.rule, f.level) == (DESTRUCTIVE, "excepted")}
        found += [*_ignores(ups, policy), *(_lint(r, policy, allowed) for r in remarks)]
        found += _unused(found, policy, [s.path.name for s in scripts], known)
    ordered = sorted(found, key=lambda f: (_RANK[f.level], f.file, f.line or 0))
    return Verdict(len(scripts), tuple(ordered))


def _destructive(scripts: Sequence[Script], policy: Policy) -> Iterator[Finding]:
    for script in scripts:
        name = script.path.name
        for statement, what in destructive.found(script.statements):
            reason = _reason(policy, name, DESTRUCTIVE)
            if reason is None and policy.allow_destructive:
                reason = "the policy allows destructive changes"
            level: Level = "error" if reason is None else "excepted"
            message = f"{what} destroys data that no down file brings back."
            yield Finding(name, statement.line, DESTRUCTIVE, level, message, reason)


def _hidden(scripts: Sequence[Script], policy: Policy) -> Iterator[Finding]:
    """Told, not refused: a person has to read what is executed, and may say so."""
    message = "EXECUTE runs text that is made at run time: whether it destroys data is not judged."
    for script in scripts:
        name = script.path.name
        for statement in destructive.hidden(script.statements):
            reason = _reason(policy, name, HIDDEN)
            level: Level = "excepted" if reason else "warning"
            yield Finding(name, statement.line, HIDDEN, level, message, reason)


def _ignores(scripts: Sequence[Script], policy: Policy) -> Iterator[Finding]:
    """A comment that silences squawk would be an exception that nobody named."""
    for script in scripts:
        for number, line in enumerate(script.sql.splitlines(), start=1):
            if IGNORES in line:
                message = "a comment cannot switch rules off: make it an exception of the policy."
                yield _judged(policy, script.path.name, number, IGNORES, message)


def _lint(remark: squawk.Remark, policy: Policy, allowed: set[str]) -> Finding:
    if remark.rule in _SAME and remark.file in allowed:
        why = "destructive changes of this file are allowed"
        return Finding(remark.file, remark.line, remark.rule, "excepted", remark.message, why)
    return _judged(policy, remark.file, remark.line, remark.rule, remark.message)


def _judged(policy: Policy, file: str, line: int, rule: str, message: str) -> Finding:
    if reason := _reason(policy, file, rule):
        return Finding(file, line, rule, "excepted", message, reason)
    mild = policy.lint == "warn" or rule.startswith(_ADVICE)
    return Finding(file, line, rule, "warning" if mild else "error", message)


def _reason(policy: Policy, file: str, rule: str) -> str | None:
    matching = (e.reason for e in policy.exceptions if (e.file, e.rule) == (file, rule))
    return next(matching, None)


def _unused(
    found: Sequence[Finding], policy: Policy, checked: Sequence[str], known: Sequence[str]
) -> list[Finding]:
    """Exceptions that match nothing: of files that were looked at, or that do not exist."""
    used = {(f.file, f.rule) for f in found if f.level == "excepted"}
    return [
        Finding(e.file, None, UNUSED, "warning", f"the exception for {e.rule} matches nothing.")
        for e in dict.fromkeys(policy.exceptions)
        if (e.file, e.rule) not in used and (e.file in checked or e.file not in known)
    ]
