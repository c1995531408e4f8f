"""How values of PostgreSQL become values of Python, set on each new connection (db.py)."""

import asyncpg
import orjson

# Arrays of built-in types by their fixed oids: asyncpg would otherwise ask the catalog for each
# on each new connection (and change the session's jit setting while it does).
_ARRAYS = {
    1000: ("bool", 16), 1001: ("bytea", 17), 1005: ("int2", 21), 1007: ("int4", 23),
    1016: ("int8", 20), 1015: ("varchar", 1043), 1022: ("float8", 701), 1231: ("numeric", 1700),
    1182: ("date", 1082), 1185: ("timestamptz", 1184), 2951: ("uuid", 2950), 3807: ("jsonb", 3802),
}  # fmt: skip
_ARRAY_TYPES = [
    {
        "oid": oid, "ns": "pg_catalog", "name": f"_{name}", "kind": b"b", "basetype": None,
        "elemtype": element, "elemtype_name": name, "elemdelim": ",", "range_subtype": None,
        "attrtypoids": None, "attrnames": None,
    }
    for oid, (name, element) in _ARRAYS.items()
]  # fmt: skip


async def set_codecs(connection: asyncpg.Connection) -> None:
    """JSON as Python values, arrays of built-in types; sends nothing to the server."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + orjson.dumps(value),
        decoder=lambda data: orjson.loads(data[1:]),
    )
    await connection.set_type_codec(
        "json", schema="pg_catalog", format="binary", encoder=orjson.dumps, decoder=orjson.loads
    )
    connection.get_settings().register_data_types(_ARRAY_TYPES)
