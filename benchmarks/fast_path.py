"""How well and how fast the fast path recognises commands.

    python3 -m benchmarks.fast_path [--rounds 5] > benchmarks/results/fast-path.json

Score: the sentences of tests/data/commands_*.tsv in the test house. Speed: the same sentences, and misheard ones, in a
house with 300 exposed entities; apart from those, sentences of two and three commands. Exits with 1 above 30 ms for one
command (95th percentile of the wall clock).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path
from statistics import quantiles
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # for `house_harness`

from house_harness.commands import FILES, commands, heard_as
from house_harness.house_state import HOUSE_FILE
from house_harness.large_house import large_layout

from wyoming_servers.conversation.fast_path import FastPath
from wyoming_servers.house.household_file import read_household

LIMIT_MS = 30.0
MORE = {
    "en": (
        "turn on the kitchen lamp", "turn off the living room ceiling light", "set the bedroom lamp to 40 percent",
        "what is the office temperature", "is the bathroom window open", "open the guest room blinds",
        "turn on the kitchin lamp", "turn off the baisment lamp", "turn on the gaurage fan", "turn on the lights",
        "turn off the lights in the dining room", "which lights are on", "turn on the spaceship engine",
        "what is the meaning of life", "tell me something about the roman empire and its fall",
    ),
    "zh-TW": (
        "打開廚房檯燈", "關掉客廳吊燈", "把臥室檯燈調到百分之四十", "書房溫度是多少", "浴室窗戶開著嗎",
        "打開客房百葉窗",
        "打開廚防檯燈", "關掉地下是吊燈", "開燈", "關掉餐廳的燈", "哪些燈開著", "打開太空船引擎", "人生的意義是什麼",
        "跟我說說羅馬帝國的歷史",
    ),
}  # fmt: skip
# Two and three commands in one sentence, and what only looks like it.
SEVERAL = {
    "en": (
        "turn on the kitchen lamp and the office lamp", "turn off the lights and close the guest room blinds",
        "turn on the kitchin lamp, the bedroom fan and the attic heater", "tell me about cats and dogs",
        "turn on the kitchen lamp and tell me a joke",
    ),
    "zh-TW": (
        "打開廚房檯燈和書房檯燈", "關燈，然後關上客房百葉窗", "打開廚防檯燈、臥室風扇和閣樓暖氣", "貓和狗有什麼不同",
        "打開廚房檯燈，再講一個笑話",
    ),
}  # fmt: skip


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    rounds = options.parse_args().rounds
    speed = measured(rounds)
    report = {
        "machine": {"python": platform.python_version(), "processor": processor(), "load_1_min": os.getloadavg()[0]},
        "score": {language: scored(language) for language in FILES},
        "entities": len(large_layout().entities),
        "speed": speed,
        "limit_ms": LIMIT_MS,
    }
    json.dump(report, sys.stdout, indent=2, ensure_ascii=False)
    print()
    return 0 if all(speed[language]["wall_ms"]["p95"] <= LIMIT_MS for language in MORE) else 1


def scored(language: str) -> dict[str, Any]:
    layout = read_household(HOUSE_FILE).layout
    fast_path = FastPath()
    results = [(command, heard_as(command, fast_path, layout)) for command in commands(language)]
    missed = [
        {"text": command.text, "expected": command.expected, "heard": heard}
        for command, heard in results
        if heard != command.expected
    ]
    right = len(results) - len(missed)
    return {"right": right, "of": len(results), "share": round(right / len(results), 3), "missed": missed}


def measured(rounds: int) -> dict[str, Any]:
    layout = large_layout()
    fast_path = FastPath()
    began = time.perf_counter()
    fast_path.prepare(layout, ["en", "zh-TW"])
    prepare_s = time.perf_counter() - began
    figures: dict[str, Any] = {}
    groups = [(language, language, [*(c.text for c in commands(language)), *more]) for language, more in MORE.items()]
    groups += [(f"{language} several", language, [*texts]) for language, texts in SEVERAL.items()]
    for group, language, sentences in groups:
        for text in sentences:  # once, so that caches of sounds are as full as in a house in use
            fast_path.understand(text, language, layout, layout.areas[0])
        wall, own = [], []
        for _ in range(rounds):
            for text in sentences:
                wall_began, own_began = time.perf_counter(), time.thread_time()
                fast_path.understand(text, language, layout, layout.areas[0])
                own.append((time.thread_time() - own_began) * 1000)
                wall.append((time.perf_counter() - wall_began) * 1000)
        figures[group] = {"sentences": len(wall), "wall_ms": spread(wall), "cpu_ms": spread(own)}
        figures[group]["prepare_s"] = round(prepare_s, 2)
    return figures


def spread(values: list[float]) -> dict[str, float]:
    cut = quantiles(values, n=100)
    return {"p50": round(cut[49], 2), "p95": round(cut[94], 2), "p99": round(cut[98], 2), "max": round(max(values), 2)}


def processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")), "")


if __name__ == "__main__":
    sys.exit(main())
