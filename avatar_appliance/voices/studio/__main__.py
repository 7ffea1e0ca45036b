"""The child process. Everything private comes in over stdin; one JSON line goes out on stdout."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

from avatar_appliance.processes.parent_death import die_with_parent

from .bounds import confine


def main() -> None:
    """Do one piece of work and end."""
    arguments = _parser().parse_args()
    die_with_parent(arguments.parent)
    if arguments.work == "read":
        answer = _read(arguments)
    else:
        texts = json.loads(sys.stdin.buffer.read())
        confine(arguments.memory, arguments.cpu)
        from .comparing import compare

        answer = compare(texts["heard"], texts["expected"], texts["language"])
    sys.stdout.write(json.dumps(answer))


def _read(arguments: argparse.Namespace) -> dict[str, Any]:
    # Loaded before the bounds hold: what may fail for lack of memory is the recording, not an import.
    import av

    from .reading import read

    av.logging.set_level(None)
    confine(arguments.memory, arguments.cpu)
    with os.fdopen(os.dup(0), "rb") as file:
        reading = read(file, arguments.output, max_s=arguments.max_s, reference_s=arguments.reference_s)
    return {
        "measurements": reading.measurements,
        "remarks": [dataclasses.asdict(remark) for remark in reading.remarks],
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="avatar-studio")
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--memory", type=int, required=True)
    parser.add_argument("--cpu", type=int, required=True)
    work = parser.add_subparsers(dest="work", required=True)
    reading = work.add_parser("read")
    reading.add_argument("--output", type=Path, required=True)
    reading.add_argument("--max-s", type=float, required=True)
    reading.add_argument("--reference-s", type=float, required=True)
    work.add_parser("compare")
    return parser


if __name__ == "__main__":
    main()
