"""Events as the API server takes them: none is refused, whatever there is to tell."""

from tests.operator.files import joined, pair, table
from tests.operator.place import Place
from tests.operator.processes import Operator

LONG = "DO $$ BEGIN RAISE EXCEPTION 'ä%', repeat('x', 3000); END $$;\n"


async def test_a_long_message_has_its_event_too(place: Place, operator: Operator) -> None:
    await place.start(joined(table(1), pair("0002_long", LONG)), retries={"limit": 0})
    await place.stalled("StatementFailed")
    told = dict(await place.events())
    assert "0002_long" in told["StatementFailed"]
    assert len(told["StatementFailed"].encode()) <= 1024


async def test_a_resource_of_the_longest_name_has_events(place: Place, operator: Operator) -> None:
    await place.secret(place.database.direct_url)
    await place.files(table(1))
    name = f"{'a' * 199}.{'b' * 53}"
    await place.apply(name=name)
    await place.ready(name=name)
    assert {"AttemptStarted", "MigrationsRun", "Applied"} <= dict(await place.events()).keys()
