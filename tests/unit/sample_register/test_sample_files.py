"""Registers kept in files: the cache between starts, the dump, the settings."""

import csv
from datetime import date
from pathlib import Path

import orjson
import pytest

from services.common.config import load
from services.sample_register.dataset import Dataset, build
from services.sample_register.export import dump
from services.sample_register.settings import SampleSettings
from tests.unit.sample_register.conftest import AS_OF


def test_a_cached_register_is_the_same(tmp_path: Path) -> None:
    first = build(5, 300, AS_OF, cache=tmp_path)
    again = build(5, 300, AS_OF, cache=tmp_path)
    assert {id_: table.rows for id_, table in again.items()} == {
        id_: table.rows for id_, table in first.items()
    }


def test_the_cache_tells_registers_apart(tmp_path: Path) -> None:
    build(5, 300, AS_OF, cache=tmp_path)
    build(5, 300, date(2026, 1, 1), cache=tmp_path)
    build(5, 300, AS_OF, dirt=False, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_dump_as_csv_holds_every_row_and_column(tmp_path: Path, small: Dataset) -> None:
    counts = dump(small, tmp_path, "csv")
    for table in small.values():
        with (tmp_path / f"{table.spec.name}.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == counts[table.spec.name] == len(table.rows)
        assert list(rows[0]) == list(table.spec.columns)
        kept = {key: value for key, value in rows[-1].items() if value}
        wanted = orjson.loads(table.rows[-1])
        assert kept == {
            key: str(value).lower() if isinstance(value, bool) else value
            for key, value in wanted.items()
        }


def test_a_dump_as_jsonl_holds_the_rows_as_sent(tmp_path: Path, small: Dataset) -> None:
    dump(small, tmp_path, "jsonl")
    for table in small.values():
        lines = (tmp_path / f"{table.spec.name}.jsonl").read_bytes().splitlines()
        assert lines == table.rows


def test_settings_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORT", raising=False)
    monkeypatch.delenv("SAMPLE_SIZE", raising=False)
    settings = load(SampleSettings)
    assert (settings.port, settings.sample_size, settings.sample_as_of) == (8090, 6000, None)


def test_a_bad_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SAMPLE_AS_OF", "yesterday")
    with pytest.raises(SystemExit):
        load(SampleSettings)
    assert "SAMPLE_AS_OF" in capsys.readouterr().err
