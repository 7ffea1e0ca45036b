"""Piper's first audio through our text-to-speech server against stock wyoming-piper's, in one run.

    python benchmarks/tts_first_audio.py [--rounds 30] [--python PYTHON_WITH_WYOMING_PIPER]

A sentence of twelve words without a clause mark, so that both speak it in one piece; asked the way Home Assistant does,
of both servers in turn, with the same voice file. Ours is asked to have it spoken anew each time, whatever it kept.
Prints JSON; times in milliseconds from the request to the first chunk of audio, and to the last. `ratio` is ours over
the stock server's, of the medians.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

from tts_house import report, spread, tts_house

from avatar_appliance.bench.peers import find_peers, stock_servers
from avatar_appliance.client import Endpoint, synthesize

SENTENCE = "The washing machine in the basement will be finished in ten minutes."
assert len(SENTENCE.split()) == 12
WARM_UP = 3


async def timed(endpoint: Endpoint, voice: str | None) -> tuple[float, float]:
    speech = await synthesize(endpoint, SENTENCE, voice=voice, fresh=True)
    assert speech.first_audio_s is not None
    return 1000 * (speech.first_audio_s - speech.asked_s), 1000 * (speech.ended_s - speech.asked_s)


async def measure(rounds: int, python: Path | None) -> dict[str, Any]:
    async with tts_house() as house:
        programs = await find_peers(house.subject, python)
        async with stock_servers(programs, house.subject, house.folder) as stock:
            assert stock.tts is not None
            arms = {"ours": (house.tts, house.arm.voice), "wyoming-piper": (stock.tts, stock.voice)}
            first: dict[str, list[float]] = {name: [] for name in arms}
            whole: dict[str, list[float]] = {name: [] for name in arms}
            for number in range(WARM_UP + rounds):
                order = list(arms.items())[:: -1 if number % 2 else 1]
                for name, (endpoint, voice) in order:
                    first_ms, whole_ms = await timed(endpoint, voice)
                    if number >= WARM_UP:
                        first[name].append(first_ms)
                        whole[name].append(whole_ms)
            used = {"ours": house.arm.facts.settings, "wyoming-piper": stock.facts.settings}
            packages = {name: programs.packages.get(name) for name in ("wyoming-piper", "piper-tts")}
    figures = {name: {"first_audio_ms": spread(first[name]), "whole_ms": spread(whole[name])} for name in arms}
    ratios = {
        key: round(figures["ours"][key]["p50"] / figures["wyoming-piper"][key]["p50"], 3)
        for key in ("first_audio_ms", "whole_ms")
    }
    return {"sentence": SENTENCE, "rounds": rounds, **figures, "ratio": ratios, "settings": used, "packages": packages}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--python", type=Path, default=None)
    arguments = parser.parse_args()
    figures = asyncio.run(measure(arguments.rounds, arguments.python))
    command = f"python benchmarks/tts_first_audio.py --rounds {arguments.rounds}"
    print(report("first audio of a twelve-word sentence, Piper, CPU", command, figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
