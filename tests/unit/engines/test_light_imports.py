"""A worker process in the environment of its engine finds everything that our own code imports.

Nobody sees a missing package before a real installation, which takes gigabytes: so here each worker is started up to
the import of its engine, which is not installed, and what it imported is compared with the lock of that engine.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import pytest
import yaml

from avatar_appliance.engines import RECIPES

_START = """
import json, sys
from importlib.metadata import packages_distributions
from wyoming_servers.__main__ import main
blocked = {"torch", "faster_whisper", "cosyvoice", "f5_tts", "soundfile", "pocket_tts", "qwen_tts"}
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in blocked:
            raise ImportError(f"no {name}")
sys.meta_path.insert(0, Block())
code = main(["--config", sys.argv[1], "worker", "w"])
known = packages_distributions()
# setuptools puts a module of its own into every Python that has it.
tops = {name.split(".")[0] for name in sys.modules} - {"_distutils_hack"}
found = {d for top in tops for d in known.get(top, ())} - {"avatar-appliance"}
print(json.dumps([code, sorted(found)]))
"""


def sections(folder: Path) -> dict[str, dict[str, Any]]:
    with wave.open(str(folder / "a.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(32_000))
    (folder / "cosyvoice2.yaml").touch()
    voice = {"name": "a", "language": "en", "reference_audio": str(folder / "a.wav"), "reference_text": "hello"}
    return {
        "faster-whisper": {"engine": "faster-whisper", "model": str(folder)},
        "f5-tts": {"engine": "f5-tts", "weights": "random", "size": "tiny", "device": "cpu", "voices": [voice]},
        "pocket-tts": {"engine": "pocket-tts", "weights": "random", "size": "tiny", "voices": [voice]},
        "qwen3-tts": {"engine": "qwen3-tts", "weights": "random", "size": "tiny", "device": "cpu", "voices": [voice]},
        "cosyvoice": {"engine": "cosyvoice", "model": str(folder), "device": "cpu", "voices": [voice]},
    }


@pytest.mark.parametrize("engine", ["faster-whisper", "f5-tts", "pocket-tts", "qwen3-tts", "cosyvoice"])
def test_the_lock_of_an_engine_has_all_that_its_worker_imports(engine: str, tmp_path: Path) -> None:
    workers: dict[str, Any] = {
        name: {"engine": "fake", "fake_role": role} for name, role in (("a", "asr"), ("t", "tts"), ("l", "llm"))
    }
    workers["w"] = sections(tmp_path)[engine]
    config = {
        "asr": {"workers": ["a"]},
        "tts": {"workers": ["t"]},
        "conversation": {"workers": ["l"]},
        "workers": workers,
        "paths": {key: str(tmp_path) for key in ("state_dir", "cache_dir", "runtime_dir")},
    }
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(config))
    done = subprocess.run(
        [sys.executable, "-c", _START, str(file)],
        capture_output=True,
        text=True,
        check=True,
        env={key: value for key, value in os.environ.items() if not key.startswith("AVATAR_")},
    )
    code, found = json.loads(done.stdout.splitlines()[-1])
    assert code == os.EX_CONFIG, done.stderr  # it came as far as its engine
    locked = {_name(line.split("==")[0]) for line in RECIPES[engine].requirement_lines() if "==" in line}
    assert {_name(name) for name in found} - locked == set()
    assert {"pydantic", "wyoming"} <= {_name(name) for name in found}


def _name(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution.strip()).lower()


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.engine)
def test_every_line_of_a_lock_is_an_exact_pin_and_names_no_place(recipe: Any) -> None:
    lines = [line for line in recipe.requirement_lines() if not line.startswith("#")]
    assert len(lines) > 20
    for line in lines:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9._+!]+( ; .+)?", line), line
    pins = {_name(line.split("==")[0]) for line in recipe.requirements.with_suffix(".in").read_text().splitlines()}
    assert {name for name in pins if name and name[0].isalpha()}  # each has its source beside it
