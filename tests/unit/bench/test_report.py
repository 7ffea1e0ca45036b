"""The JSON form is a promise: its schema is kept in the repository."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

from avatar_appliance.bench import BenchOptions, BenchReport, run_bench

from .conftest import Serve, Stubs

SCHEMA = Path(__file__).resolve().parents[3] / "benchmarks" / "report.schema.json"


def test_the_schema_is_the_one_in_the_repository() -> None:
    """After a deliberate change: python -m avatar_appliance.bench.schema > benchmarks/report.schema.json."""
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == BenchReport.model_json_schema()


async def test_a_report_follows_the_schema_and_can_be_read_back(serve: Serve, stubs: Stubs, folder: Path) -> None:
    options = BenchOptions(folder=folder, rounds=1, warm_up_rounds=0, settle_s=0, trailing_silence_s=0.02)
    report = await run_bench(options, await stubs.start(serve))
    document = json.loads(report.to_json())
    jsonschema.validate(document, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert BenchReport.model_validate(document) == report
    assert document["schema_version"] == 1


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError, match="extra"):
        BenchReport.model_validate({"hostname": "nas"})


@pytest.mark.parametrize("result", sorted((SCHEMA.parent / "results").glob("bench-*.json")), ids=lambda path: path.name)
def test_every_kept_result_can_be_read(result: Path) -> None:
    assert BenchReport.model_validate_json(result.read_text(encoding="utf-8")).measurements
