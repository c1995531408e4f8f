"""The API part: latencies with everything on, then rounds against the other servers, the export."""

import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import orjson

from tests.load import exposition
from tests.load.api import exports, questions, servers, showing, world, writes
from tests.load.api.exports import Exported
from tests.load.api.load import Answered, Question, ask
from tests.load.exposition import Samples
from tests.load.ingestion import Options
from tests.load.report import Target
from tests.support.stack import TestStack

WRITES_A_SECOND = 50
EXPORTED = 500_000
DEPTH = 50_000
_READ, _CLAIMED = 5_000, 60_000
_WARM_S, _ROUNDS = 3.0, 3
_QUERIES = "ucc_db_query_seconds"
_WITHIN_S = 0.05


@dataclass(frozen=True, slots=True)
class Latency:
    """Answers to one question, and the share of their queries that took 50 ms at most."""

    answered: Answered
    within: float


@dataclass(slots=True)
class Measured:
    """Everything that was measured."""

    prospects: int = 0
    latency: dict[str, Latency] = field(default_factory=dict)
    shallow: list[Answered] = field(default_factory=list)
    deep: list[Answered] = field(default_factory=list)
    rounds: dict[str, dict[str, list[Answered]]] = field(default_factory=dict)
    written: int = 0
    exported: Exported = field(default_factory=lambda: Exported(0, 0.0, 0.0, 0.0))

    def ratio(self, question: str, server: str) -> float:
        """Our requests a second by those of `server`: the median over the rounds."""
        ours, theirs = self.rounds[question]["ours"], self.rounds[question][server]
        return median(a.rate / b.rate for a, b in zip(ours, theirs, strict=True))


@dataclass(frozen=True, slots=True)
class Bench:
    """What the scenes need: the stack, a token, a folder, how long each is asked."""

    stack: TestStack
    token: str
    folder: Path
    seconds: float
    say: Callable[[str], None]

    @property
    def url(self) -> str:
        """Of our service."""
        return self.stack.url("prospects")

    def ask(self, question: Question, url: str = "", seconds: float = 0.0) -> Answered:
        """Ask our service, or the one at `url`. Raises RuntimeError where answers are bad."""
        answered = ask(url or self.url, question, self.folder, token=self.token,
                       seconds=seconds or self.seconds)  # fmt: skip
        if answered.bad or answered.broken:
            raise RuntimeError(f"{question.name}: {answered.bad} bad, {answered.broken} broken")
        return answered

    def ids(self, condition: str, most: int) -> list[str]:
        """Ids of prospects, in no order."""
        return self.stack.psql(
            f"SELECT id FROM prospects WHERE {condition} ORDER BY md5(id::text || 'bench') "
            f"LIMIT {most}"
        ).split()

    def get(self, path: str) -> dict[str, object]:
        """One answer of our service."""
        asked = urllib.request.Request(
            self.url + path, headers={"Authorization": f"Bearer {self.token}"}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(asked, timeout=30) as answer:
            body: dict[str, object] = orjson.loads(answer.read())
            return body


def run(options: Options, say: Callable[[str], None]) -> list[Target]:
    """Measure, print the tables; the targets."""
    servers.tools()
    folder = servers.express_folder()
    say(f"starting a durable stack; ingesting, scoring and copying to {options.prospects:,}")
    with world.make() as stack, tempfile.TemporaryDirectory(prefix="ucc-intel-bench-") as name:
        measured = Measured(world.fill(stack, options.prospects, options.timeout_s))
        servers.original(stack)
        bench = Bench(stack, stack.token("analyst"), Path(name), options.seconds, say)
        _latencies(bench, measured)
        _depth(bench, measured)
        _compare(bench, measured, folder)
        say(f"exporting {EXPORTED:,} prospects")
        measured.exported = _export(bench)
    for text in showing.tables(measured):
        print(text)
    return targets(measured)


def _latencies(bench: Bench, measured: Measured) -> None:
    ids = bench.ids("filings > 0", 3 * _READ)
    free = bench.ids("claimed_by IS NULL AND status = 'unclaimed'", _CLAIMED)
    first = questions.gets(ids[_READ:])
    asked = (
        (questions.lists(), True),
        (Question("get, the first time", first.lines), False),
        (questions.gets(ids[:_READ]), True),
        (questions.patches(ids[:_READ]), True),
        (questions.claims(free), False),
    )
    for question, again in asked:
        bench.say(question.name)
        if again:
            bench.ask(question, seconds=_WARM_S)
        before = exposition.scrape(bench.url)
        answered = bench.ask(question)
        share = within(exposition.between(before, exposition.scrape(bench.url)))
        measured.latency[question.name] = Latency(answered, share)
        bench.stack.psql("VACUUM (ANALYZE) prospects")


def within(samples: Samples, seconds: float = _WITHIN_S) -> float:
    """Share of all queries that took at most `seconds`, which is an edge of the histogram."""
    counted = met = 0.0
    for (name, labels), value in samples.items():
        if name == f"{_QUERIES}_count":
            counted += value
        elif name == f"{_QUERIES}_bucket" and float(dict(labels)["le"]) == seconds:
            met += value
    return met / counted if counted else 0.0


def _depth(bench: Bench, measured: Measured) -> None:
    """A page at the beginning and one far down, by cursor, in turn."""
    bench.say(f"a page by cursor after 100 and after {DEPTH:,} prospects")
    cursors = list(_walk(bench, DEPTH // 100))
    near, far = (questions.after(each) for each in (cursors[0], cursors[-1]))
    for _ in range(_ROUNDS):
        measured.shallow.append(bench.ask(near))
        measured.deep.append(bench.ask(far))


def _walk(bench: Bench, pages: int) -> Iterator[str]:
    path = f"{questions.LIST}?limit=100"
    for _ in range(pages):
        cursor = str(bench.get(path)["next"])
        yield cursor
        path = f"{questions.LIST}?limit=100&cursor={cursor}"


def _compare(bench: Bench, measured: Measured, folder: Path) -> None:
    ids = bench.ids("filings > 0", _READ)
    writing = writes.background(bench.stack.config.dsn(), ids[::-1], WRITES_A_SECOND)
    asked = (
        (questions.gets(ids), ("bare", "express")),
        (questions.first_page(), ("bare", "express")),
        (questions.filtered(), ("bare",)),
        (questions.far_page(), ("express",)),
    )
    with _others(bench, folder) as urls, writing as written:
        for question, others in asked:
            bench.say(f"{question.name}: ours against {' and '.join(others)}")
            rounds = measured.rounds.setdefault(question.name, {"ours": []})
            for number in range(_ROUNDS + 1):
                for server in ("ours", *others):
                    seconds = bench.seconds if number else _WARM_S
                    answered = bench.ask(question, urls[server], seconds)
                    if number:
                        rounds.setdefault(server, []).append(answered)
        measured.written = written[0]


@contextmanager
def _others(bench: Bench, folder: Path) -> Iterator[Mapping[str, str]]:
    with ExitStack() as stack:
        yield {
            "ours": bench.url,
            "bare": stack.enter_context(servers.bare(bench.stack)),
            "express": stack.enter_context(servers.express(bench.stack, folder)),
        }


def _export(bench: Bench) -> Exported:
    """Of about as many as asked for: the states hold equal parts."""
    total = int(bench.stack.psql("SELECT count(*) FROM prospects"))
    score = bench.stack.psql(
        "SELECT priority_score FROM prospects ORDER BY priority_score DESC "
        f"OFFSET {min(EXPORTED, total) - 1} LIMIT 1"
    )
    pid = bench.stack.pid("prospects")
    return exports.csv(bench.url, bench.token, pid, {"min_score": int(score)})


def targets(measured: Measured) -> list[Target]:
    """What issue 4 asks of the API."""
    found = []
    for name, latency in measured.latency.items():
        found.append(Target.at_most(f"{name}: P95", 100, latency.answered.p95_ms, " ms"))
        share = 100 * latency.within
        found.append(Target.at_least(f"{name}: queries within 50 ms", 95, share, " %"))
    depth = median(b.rate / a.rate for a, b in zip(measured.shallow, measured.deep, strict=True))
    found.append(Target.at_least(f"by cursor, after {DEPTH:,} / after 100", 0.8, depth))
    for question, server, wanted in (
        ("get", "bare", 0.7), ("list, page 1", "bare", 0.6),
        ("list, state and min_score", "bare", 0.6), ("list, page 1", "express", 8.0),
        ("get", "express", 1.5), ("list, page 5000", "express", 5.0),
    ):  # fmt: skip
        name = f"{question}: requests a second / {server}"
        found.append(Target.at_least(name, wanted, measured.ratio(question, server)))
    export = measured.exported
    found.append(Target.at_most("csv export: growth", 50, export.growth_mb, " MB"))
    found.append(Target.at_most("csv export: first byte", 1000, 1000 * export.first_byte_s, " ms"))
    return found
