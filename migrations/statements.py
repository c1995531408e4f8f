"""Where the statements of a SQL script begin and end: pure, used by files and lint.

Follows PostgreSQL's lexical rules (manual, 4.1): strings, E'' strings, quoted names, dollar
quotes, nested block comments, parentheses (CREATE RULE), bodies between BEGIN ATOMIC and END.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<comment>--[^\r\n]*)
      | (?P<block>/\*)
      | (?P<string>[eE]'(?:\\.|''|[^'\\])*'|'(?:''|[^'])*')
      | (?P<quoted>"(?:""|[^"])*")
      | (?P<dollar>\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$)
      | (?P<word>[^\W\d][\w$]*)
      | (?P<end>;)
      | (?P<space>\s+)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_DOLLAR = re.compile(r"\$(?:[^\W\d]\w*)?\$")
_ROUTINE = re.compile(r"create (or replace )?(function|procedure)\b")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: `sql` without comments, `line` of its first token, `words` in lower case.

    script[start:end] is the statement as it was written, without its semicolon.
    """

    sql: str
    line: int
    words: tuple[str, ...]
    start: int
    end: int

    def begins(self, phrase: str) -> bool:
        """Whether the first words are those of `phrase` (lower case)."""
        wanted = tuple(phrase.split())
        return self.words[: len(wanted)] == wanted


def split(script: str) -> list[Statement]:
    """The statements of a script; a last one without `;` counts, empty ones do not."""
    found: list[Statement] = []
    text: list[str] = []
    words: list[str] = []
    start, depth, parens = -1, 0, 0
    line, counted = 1, 0
    for kind, token, at in (*_tokens(script), ("end", ";", len(script))):
        if at == len(script) or (kind == "end" and not depth and parens <= 0):
            if start >= 0:
                line, counted = line + script.count("\n", counted, start), start
                sql = "".join(text).strip()
                found.append(Statement(sql, line, tuple(words), start, at))
            text, words, start, parens = [], [], -1, 0
            continue
        if kind != "space" and start < 0:
            start = at
        text.append(token)
        parens += {"(": 1, ")": -1}.get(token, 0)
        if kind == "word":
            words.append(token.lower())
            depth = _depth(words, depth)
    return found


def words_within(sql: str) -> list[str]:
    """The words of a body, also those in its strings, in lower case; `;` where a statement ends."""
    found: list[str] = []
    for kind, token, _ in _tokens(sql):
        if kind in ("word", "end"):
            found.append(token.lower())
        elif kind == "string":
            found += words_within(token.partition("'")[2][:-1])
        elif kind == "dollar":
            found += words_within(token.split("$", 2)[2].rsplit("$", 2)[0])
    return found


def unclosed(script: str) -> tuple[int, str] | None:
    """Line and opening mark of a comment, string, name or dollar quote that never ends."""
    for kind, token, at in _tokens(script):
        broken = kind == "other" and (token in "'\"" or _DOLLAR.match(script, at))
        if broken or (kind == "space" and token == "/*"):
            return script.count("\n", 0, at) + 1, token
    return None


def _depth(words: list[str], depth: int) -> int:
    """How many blocks of a BEGIN ATOMIC body are open after the last of `words`."""
    if words[-2:] == ["begin", "atomic"] and _ROUTINE.match(" ".join(words[:4])):
        return depth + 1
    if depth and words[-1] == "case":
        return depth + 1
    return depth - 1 if depth and words[-1] == "end" else depth


def _tokens(script: str) -> Iterator[tuple[str, str, int]]:
    """(kind, text, offset) of each token; a comment becomes one space, if it ends."""
    at = 0
    while match := _TOKEN.match(script, at):
        kind = match.lastgroup or "other"
        end = _block_end(script, at) if match["block"] else match.end()
        if match["comment"] or match["block"]:
            yield "space", " " if end else "/*", at
            end = end or len(script)
        else:
            yield kind, script[at:end], at
        at = end


def _block_end(script: str, start: int) -> int:
    """Offset after the block comment that begins at `start`, which may nest; 0 if it never ends."""
    depth = 0
    for match in re.compile(r"/\*|\*/").finditer(script, start):
        depth += 1 if match[0] == "/*" else -1
        if not depth:
            return match.end()
    return 0
