"""Who a process is and who holds a port, from /proc: only our own are ever signalled."""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Identity:
    """A process that cannot be mistaken for a later one with the same pid."""

    pid: int
    started: str

    @property
    def alive(self) -> bool:
        """Still the same process, and not a zombie."""
        return self.pid > 0 and _stat(self.pid) == self.started


NOBODY = Identity(0, "")


def boot_id() -> str:
    """Tells this boot of the machine from every other."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def _stat(pid: int) -> str:
    """Start of the process in clock ticks since boot, '' where it is gone or a zombie."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else f"{boot_id()}/{fields[19]}"


def identify(pid: int) -> Identity:
    """The identity of a process that runs now (a gone one gets an identity that is never alive)."""
    return Identity(pid, _stat(pid) or "gone")


def terminate(who: Identity, first: signal.Signals, grace: float) -> None:
    """Stop a verified process: `first`, then after `grace` seconds SIGKILL for its whole group."""
    if not who.alive:
        return
    with suppress(ProcessLookupError):
        os.kill(who.pid, first)
    if not wait_gone(who, grace):
        kill_group(who)
        wait_gone(who, 5.0)


def kill_group(who: Identity) -> None:
    """SIGKILL the group that a verified process leads (the process alone if it leads none)."""
    with suppress(ProcessLookupError):
        if os.getpgid(who.pid) == who.pid:
            os.killpg(who.pid, signal.SIGKILL)
        else:
            os.kill(who.pid, signal.SIGKILL)


def wait_gone(who: Identity, seconds: float) -> bool:
    """True as soon as the process is gone, False after `seconds`."""
    end = time.monotonic() + seconds
    while who.alive:
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def port_owner(port: int) -> str:
    """Who listens on a local TCP port: 'name (pid 12)', 'another process' or '' for nobody."""
    inodes = _listening_inodes(port)
    if not inodes:
        return ""
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError):
            if any(str(fd.readlink()) in wanted for fd in (folder / "fd").iterdir()):
                return f"{(folder / 'comm').read_text().strip()} (pid {folder.name})"
    return "another process"


def _listening_inodes(port: int) -> set[str]:
    found = set()
    for table in ("net/tcp", "net/tcp6"):
        with suppress(OSError):
            for line in (PROC / table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                    found.add(fields[9])
    return found
