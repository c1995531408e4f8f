"""Which full clusters this machine has: each gets a number, and crashed ones are found again.

A record is written before anything of a cluster exists outside its folder, and deleted after
everything is gone: what a killed run left behind is swept by the next start of any cluster. The
records live in /run, so that a reboot, which ends all clusters, empties them.
"""

import json
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.cluster.home import Home
from tests.cluster.isolation import Isolation
from tests.stack.install import only_one
from tests.stack.proc import Identity

RUN = Path("/run/ucc-intel/clusters")
LINKS = Path("/sys/class/net")
MOST = 256


@dataclass(frozen=True)
class Record:
    """One cluster; `owner` is (pid, start) of the process it must not outlive, (0, "") for none."""

    name: str
    folder: str
    number: int
    owner: tuple[int, str]

    @property
    def home(self) -> Home:
        """Where it lives."""
        return Home(self.name, Path(self.folder))

    @property
    def orphaned(self) -> bool:
        """True when the process that it belonged to is gone."""
        return bool(self.owner[0]) and not Identity(*self.owner).alive


def lock() -> AbstractContextManager[None]:
    """Hold while records are read and changed."""
    return only_one(RUN / "lock")


def records() -> list[Record]:
    """All clusters that are known here."""
    found = []
    for path in sorted(RUN.glob("*.json")):
        with suppress(FileNotFoundError):  # of a cluster that ended meanwhile
            body = json.loads(path.read_text())
            found.append(Record(**{**body, "owner": tuple(body["owner"])}))
    return found


def enter(home: Home, owner: Identity) -> Record:
    """The record of a cluster, made with the first free number if there is none."""
    known = records()
    for record in known:
        if record.folder == str(home.folder):
            return record
    taken = {record.number for record in known}
    number = next((n for n in range(1, MOST) if n not in taken and not _seen(n)), 0)
    if not number:
        raise ClusterError(f"{MOST - 1} clusters are on this machine: stop some of them.")
    record = Record(home.name, str(home.folder), number, (owner.pid, owner.started))
    fresh = RUN / f"{number}.new"
    fresh.write_text(json.dumps(asdict(record)))
    fresh.replace(RUN / f"{number}.json")
    return record


def _seen(number: int) -> bool:
    """True for a cluster that another container of this machine, with a /run of its own, has."""
    return (LINKS / Isolation(number).name).exists()


def leave(record: Record) -> None:
    """Forget a cluster of which nothing is left."""
    (RUN / f"{record.number}.json").unlink(missing_ok=True)
