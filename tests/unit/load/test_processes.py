"""CPU and memory of process trees."""

import os
import subprocess
import sys
import time

from tests.load.processes import Usage, Watch, cpu_seconds, machine_seconds, memory_mb, tree

GONE = 2**22 + 1  # above the kernel's largest pid


def test_a_tree_holds_children() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert {os.getpid(), child.pid} <= set(tree(os.getpid()))
        child.communicate(b"\n")


def test_a_gone_process_counts_nothing() -> None:
    assert cpu_seconds([GONE]) == 0
    assert memory_mb([GONE]) == 0


def test_a_process_is_measured_while_it_runs() -> None:
    with Watch({"self": os.getpid()}, every_s=0.01) as watch:
        end = time.process_time() + 0.1
        while time.process_time() < end:
            pass
    assert watch.usage["self"].cpu_s >= 0.08
    assert watch.usage["self"].most_mb > 5


def test_machine_time_leaves_out_idle_and_waiting() -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    stat = f"cpu  {ticks} {ticks} {ticks} 999 999 {ticks} {ticks} {ticks} 0 0\ncpu0 1 1 1\n"
    assert machine_seconds(stat) == 6.0


def test_flat_memory_does_not_grow() -> None:
    usage = Usage(memory_mb=[50.0, 80.0, 120.0, 150.0, *[150.0] * 6])
    assert (usage.most_mb, usage.growth_mb) == (150.0, 0.0)


def test_growth_is_that_of_the_second_half() -> None:
    assert Usage(memory_mb=[float(n) for n in range(12)]).growth_mb == 4.0


def test_no_sample_is_no_memory() -> None:
    assert (Usage().most_mb, Usage().growth_mb) == (0.0, 0.0)
