"""What a benchmark prints: text tables, and the targets with what was measured."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """A figure that must be reached."""

    name: str
    wanted: str
    measured: str
    met: bool

    @classmethod
    def at_least(cls, name: str, wanted: float, measured: float, unit: str = "") -> "Target":
        """A figure that must not be smaller than `wanted`."""
        shown = (f">= {wanted:g}{unit}", f"{measured:.2f}{unit}")
        return cls(name, *shown, measured >= wanted)

    @classmethod
    def at_most(cls, name: str, wanted: float, measured: float, unit: str = "") -> "Target":
        """A figure that must not be larger than `wanted`."""
        shown = (f"<= {wanted:g}{unit}", f"{measured:.0f}{unit}")
        return cls(name, *shown, measured <= wanted)


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table under a title: the first column to the left, numbers to the right."""
    lines = [list(head), *([_shown(value) for value in row] for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    text = [title]
    for first, *rest in lines:
        cells = [first.ljust(widths[0])]
        cells += [value.rjust(width) for value, width in zip(rest, widths[1:], strict=True)]
        text.append("  " + "  ".join(cells).rstrip())
    return "\n".join(text) + "\n"


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def summary(targets: Sequence[Target]) -> str:
    """The closing table: each target, met or not."""
    rows = [(t.name, t.wanted, t.measured, "met" if t.met else "MISSED") for t in targets]
    return table("Targets", ("", "target", "measured", ""), rows)
