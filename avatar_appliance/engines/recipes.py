"""The recipes of the engines we know. `scripts/lock-engines` writes the requirement files from their `.in` files."""

from __future__ import annotations

from .errors import EngineMissing
from .recipe import EngineRecipe, GitSource, requirements_file

_GB = 10**9

_CHECK_FASTER_WHISPER = """
import ctypes, ctranslate2, faster_whisper
ctypes.CDLL("libcublas.so.12")
"""

RECIPES: dict[str, EngineRecipe] = {
    recipe.engine: recipe
    for recipe in (
        EngineRecipe(
            engine="faster-whisper",
            title="faster-whisper with cuBLAS, for Whisper on a GPU",
            requirements=requirements_file("faster-whisper.txt"),
            oldest_python=(3, 11),
            newest_python=(3, 13),
            check=_CHECK_FASTER_WHISPER,
            download_bytes=int(0.8 * _GB),
            disk_bytes=int(1.6 * _GB),
        ),
        EngineRecipe(
            engine="vllm",
            title="vLLM",
            requirements=requirements_file("vllm.txt"),
            oldest_python=(3, 11),
            newest_python=(3, 13),
            check="import torch, vllm",
            download_bytes=int(4.2 * _GB),
            disk_bytes=int(11 * _GB),
            runs_our_code=False,
            compiles=True,
            note="Needs a driver for CUDA 13 (580 or newer).",
        ),
        EngineRecipe(
            engine="f5-tts",
            title="F5-TTS",
            requirements=requirements_file("f5-tts.txt"),
            oldest_python=(3, 11),
            newest_python=(3, 13),
            check="from wyoming_servers.workers.f5.imports import import_f5\nimport_f5()",
            download_bytes=int(2.9 * _GB),
            disk_bytes=int(7 * _GB),
            note="The public F5-TTS weights are CC-BY-NC-4.0: not for commercial use. Needs a driver for CUDA 13.",
        ),
        EngineRecipe(
            engine="qwen3-tts",
            title="Qwen3-TTS",
            requirements=requirements_file("qwen3-tts.txt"),
            oldest_python=(3, 11),
            newest_python=(3, 13),
            check="from wyoming_servers.workers.qwen3.imports import import_qwen3\nimport_qwen3()",
            download_bytes=int(2.8 * _GB),
            disk_bytes=int(7 * _GB),
            note="Needs a driver for CUDA 13 (580 or newer).",
        ),
        EngineRecipe(
            engine="pocket-tts",
            title="Pocket TTS",
            requirements=requirements_file("pocket-tts.txt"),
            oldest_python=(3, 11),
            newest_python=(3, 13),
            check="import pocket_tts",
            # Most of it are the CUDA libraries that come with torch; Pocket TTS uses none of them.
            download_bytes=int(2.7 * _GB),
            disk_bytes=int(6.5 * _GB),
            note="The weights that can clone are given to whoever accepts their terms (docs/voice-workers.md).",
        ),
        EngineRecipe(
            engine="cosyvoice",
            title="CosyVoice",
            requirements=requirements_file("cosyvoice.txt"),
            oldest_python=(3, 11),
            newest_python=(3, 12),
            check="from wyoming_servers.workers.cosy.imports import import_cosyvoice\nimport_cosyvoice()",
            download_bytes=int(3.2 * _GB),
            disk_bytes=int(8 * _GB),
            # The commit the adapter was written against and tested with.
            source=GitSource(
                url="https://github.com/FunAudioLLM/CosyVoice.git",
                commit="ace7c47f41bbd303aa6bf1ea80e6f9fbd595cd40",
                submodules=("third_party/Matcha-TTS",),
                import_paths=(".", "third_party/Matcha-TTS"),
            ),
            note="Upstream publishes no package: its source is fetched with git. Needs a driver for CUDA 13.",
        ),
    )
}


def recipe_for(engine: str) -> EngineRecipe:
    """Return the recipe of an engine; raises EngineMissing where there is none."""
    try:
        return RECIPES[engine]
    except KeyError:
        raise EngineMissing(
            f"there is nothing to install for {engine!r}",
            hint=f"Engines with an own environment: {', '.join(RECIPES)}.",
        ) from None
