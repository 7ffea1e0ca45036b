"""Prints the JSON schema of a report: `python -m avatar_appliance.bench.schema > benchmarks/report.schema.json`."""

from __future__ import annotations

import json

from .report import BenchReport

if __name__ == "__main__":
    print(json.dumps(BenchReport.model_json_schema(), indent=2))
