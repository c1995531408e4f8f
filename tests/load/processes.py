"""CPU and memory of processes from /proc, read each second by a thread while something runs.

A process stands for its tree. CPU counts children that have ended (a backend of PostgreSQL);
memory counts pages shared within the tree once.
"""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
_MB = 2**20


@dataclass(slots=True)
class Usage:
    """What one process tree used: CPU seconds in all, memory in MB each second."""

    cpu_s: float = 0.0
    memory_mb: list[float] = field(default_factory=list)

    @property
    def most_mb(self) -> float:
        """The most memory seen."""
        return max(self.memory_mb, default=0.0)

    @property
    def growth_mb(self) -> float:
        """Growth over the second half: mean of its last third less mean of its first third."""
        half = self.memory_mb[len(self.memory_mb) // 2 :]
        third = max(1, len(half) // 3)
        return _mean(half[-third:]) - _mean(half[:third])


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


class Watch:
    """Measures processes, name -> pid, between `with` and its end; results in `usage`.

    `others_s` is the CPU seconds that the rest of the machine used meanwhile, without this process
    and its children.
    """

    def __init__(self, pids: Mapping[str, int], every_s: float = 1.0) -> None:
        self._pids, self._every_s = dict(pids), every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.usage = {name: Usage() for name in pids}
        self.others_s = 0.0

    def __enter__(self) -> Self:
        self._before = self._cpu()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        (trees, rest), (trees_before, rest_before) = self._cpu(), self._before
        for name, usage in self.usage.items():
            usage.cpu_s = trees[name] - trees_before[name]
        ours = sum(usage.cpu_s for usage in self.usage.values())
        self.others_s = max(0.0, rest - rest_before - ours)

    def _cpu(self) -> tuple[dict[str, float], float]:
        """CPU seconds so far: of each tree, and of the machine without this process."""
        trees = {name: cpu_seconds(tree(pid)) for name, pid in self._pids.items()}
        own = sum(os.times()[:4])  # with children that have ended: psql
        return trees, machine_seconds((PROC / "stat").read_text()) - own

    def _run(self) -> None:
        ended = False
        while not ended:
            ended = self._stop.wait(self._every_s)
            for name, pid in self._pids.items():
                self.usage[name].memory_mb.append(memory_mb(tree(pid)))


def tree(root: int) -> list[int]:
    """The process and all its descendants that run now."""
    children: dict[int, list[int]] = {}
    for folder in PROC.glob("[0-9]*"):
        if fields := stat_fields(int(folder.name)):
            children.setdefault(int(fields[1]), []).append(int(folder.name))
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def stat_fields(pid: int) -> list[str]:
    """Fields of /proc/<pid>/stat from the state on (proc(5), field 3); empty for a gone one."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def cpu_seconds(pids: list[int]) -> float:
    """utime, stime, cutime and cstime: time of the processes and of the children they buried."""
    return sum(sum(map(int, stat_fields(pid)[11:15])) for pid in pids) / TICKS


def memory_mb(pids: list[int]) -> float:
    """Private pages of all, and the largest shared part once."""
    private = shared = 0
    for pid in pids:
        try:
            resident, common = map(int, (PROC / str(pid) / "statm").read_text().split()[1:3])
        except OSError:
            continue
        private += resident - common
        shared = max(shared, common)
    return (private + shared) * PAGE / _MB


def machine_seconds(stat: str) -> float:
    """CPU seconds that the machine has worked since boot: all but idle and iowait (proc(5))."""
    user, nice, system, _, _, irq, softirq, steal = map(int, stat.splitlines()[0].split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS
