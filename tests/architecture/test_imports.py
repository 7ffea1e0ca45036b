"""Imports go one way, and engines are imported inside `load()` only."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What the data plane may use of the control plane's package.
SHARED = (
    "config",
    "atomic_file",
    "bearer_token",
    "door_token",
    "engines.errors",
    "engines.venv",
    "errors",
    "facts",
    "leases",
    "heap",
    "log",
    "models",
    "notify",
    "paths",
    "processes.assignment",
    "processes.parent_death",
    "processes.process_memory",
    "processes.restart_policy",
    "processes.simulated_gpu",
    "pronunciations",
    "speakers",
    "speech",
    "turns",
    "turns.report",
    "voices.voice_index",
    "watchdog",
    "watched_file",
    "wire",
)
ENGINES = {
    "torch",
    "vllm",
    "f5_tts",
    "vocos",
    "soundfile",
    "cosyvoice",
    "faster_qwen3_tts",
    "qwen_tts",
    "transformers",
    "faster_whisper",
    "ctranslate2",
    "piper",
    "xllamacpp",
    "espeakng_loader",
    "pypinyin",
    "onnxruntime",
}


def modules(package: str) -> Iterator[Path]:
    yield from (ROOT / package).rglob("*.py")


def imports(file: Path, *, top_level_only: bool = False) -> Iterator[str]:
    tree = ast.parse(file.read_text("utf-8"))
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


def test_the_control_plane_never_imports_the_data_plane() -> None:
    for file in modules("avatar_appliance"):
        assert not [name for name in imports(file) if name.startswith("wyoming_servers")], file


def test_the_data_plane_uses_only_the_listed_part_of_the_control_plane() -> None:
    for file in modules("wyoming_servers"):
        for name in imports(file):
            if name.startswith("avatar_appliance."):
                part = name.removeprefix("avatar_appliance.")
                assert any(part == shared or part.startswith(f"{shared}.") for shared in SHARED), f"{file}: {name}"


@pytest.mark.parametrize("package", ["avatar_appliance", "wyoming_servers"])
def test_no_module_imports_an_engine_at_its_top(package: str) -> None:
    for file in modules(package):
        found = {name.split(".")[0] for name in imports(file, top_level_only=True)} & ENGINES
        assert not found, f"{file}: {found}"


def test_the_joiner_and_the_scheduler_core_do_no_io() -> None:
    for name in ("grouping.py", "matching.py", "layer.py", "rules.py"):
        found = set(imports(ROOT / "avatar_appliance/turns" / name)) & {
            "asyncio",
            "socket",
            "aiosqlite",
            "pathlib",
        }
        assert not found, f"{name}: {found}"


@pytest.mark.parametrize("role", ["asr", "tts", "conversation"])
def test_a_data_plane_process_loads_no_engine_and_no_web_framework(role: str) -> None:
    """They must answer in milliseconds and stay small."""
    heavy = sorted(ENGINES | {"fastapi", "uvicorn", "aiosqlite", "typer", "zeroconf"})
    handler = {"asr": "asr.handler", "tts": "tts.handler", "conversation": "conversation.handler"}[role]
    code = (
        f"import sys, wyoming_servers.__main__, wyoming_servers.{handler}; "
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
