"""How one reading of a schema differs from an earlier one, for people: pure.

Says which column, index or check it is, where the statements of both only differ. Used by the
operator's drift condition, and by the runner before it stores a new reading.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from migrations.catalog import Catalog, Thing

Key = tuple[str, str]
_PART = re.compile(r"""(?P<name>(?:"(?:""|[^"])+"|[^\s"]+))\s+(?P<what>.*)""", re.DOTALL)
_OPTIONS: Key = ("table", "options")
_MOST = 20
# What comes and goes with its table, which is told already.
_WITH_TABLE = ("key", "foreign key", "index", "statistics", "trigger", "rule", "policy", "comment")


def difference(stored: Catalog, now: Catalog, most: int = _MOST) -> list[str]:
    """What was changed since `stored`, a readable line a thing; at most `most` lines."""
    if stored.sha256 == now.sha256:
        return []
    lines = list(_lines(_by_key(stored.things), _by_key(now.things)))
    if len(lines) > most:
        return [*lines[: most - 1], f"and {len(lines) - most + 1} more"]
    return lines


def _by_key(things: Sequence[Thing]) -> dict[Key, Thing]:
    return {(t.kind, t.name): t for t in things}


def _lines(before: Mapping[Key, Thing], after: Mapping[Key, Thing]) -> Iterator[str]:
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if old and new:
            if old.ddl != new.ddl:
                yield from _changed(old, new)
        elif old and not _goes_with_table(old, after):
            yield f"{_title(old)} is gone"
        elif new and not _goes_with_table(new, before):
            yield f"{_title(new)} was added"


def _goes_with_table(thing: Thing, other: Mapping[Key, Thing]) -> bool:
    if thing.kind == "owned sequence":
        return ("sequence", thing.name) not in other
    owners = [(kind, thing.parent or "") for kind in ("table", "view")]
    return thing.kind in _WITH_TABLE and bool(thing.parent) and not other.keys() & {*owners}


def _title(thing: Thing) -> str:
    if thing.kind == "comment":
        return f"the comment on {thing.name}"
    name = thing.name.removeprefix(f"{thing.parent}.")
    belongs = f" on {thing.parent}" if thing.parent and thing.kind != "table" else ""
    return f"{thing.kind} {name}{belongs}"


def _changed(old: Thing, new: Thing) -> Iterator[str]:
    if old.kind == "table":
        yield from _changed_table(old, new)
    elif old.kind == "index" and new.ddl.endswith("-- invalid"):
        yield f"{_title(new)} is invalid: a concurrent build failed or still runs"
    elif len(old.ddl) + len(new.ddl) < 300:
        yield f"{_title(new)} was changed: {_flat(old.ddl)} -> {_flat(new.ddl)}"
    else:
        yield f"{_title(new)} was changed"


def _changed_table(old: Thing, new: Thing) -> Iterator[str]:
    before, after = _parts(old.ddl), _parts(new.ddl)
    for part in [*before, *(p for p in after if p not in before)]:
        was, now = before.get(part), after.get(part)
        title = f"{part[0]} {old.name}.{part[1]}" if part != _OPTIONS else f"table {old.name}"
        if was is None:
            yield f"{title} was added: {now}"
        elif now is None:
            yield f"{title} is gone: {was}"
        elif was != now:
            yield f"{title} was changed: {was} -> {now}"


def _parts(ddl: str) -> dict[Key, str]:
    """The columns and checks of CREATE TABLE by kind and name, and what stands around them."""
    head, _, rest = ddl.partition(" (\n    ")
    body, _, tail = rest.partition("\n)")
    parts: dict[Key, str] = {}
    for line in body.split(",\n    ") if body else []:
        constraint = line.startswith("CONSTRAINT ")
        match = _PART.match(line.removeprefix("CONSTRAINT ") if constraint else line)
        if match:
            parts["check" if constraint else "column", match["name"]] = match["what"]
    parts[_OPTIONS] = _flat(head if not body else head + tail)
    return parts


def _flat(text: str) -> str:
    return " ".join(text.split())
