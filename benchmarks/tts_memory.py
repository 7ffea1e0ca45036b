"""Memory of the text-to-speech server over many syntheses.

    python benchmarks/tts_memory.py [--syntheses 500]

Different sentences in English and Chinese, streamed as Home Assistant does, some of them hung up on in the middle; the
cache of short sentences fills up on the way, with its default limit. Prints JSON: resident memory in MiB after each
fiftieth synthesis, and the growth from the hundredth (when everything is imported and warm) to the last.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from typing import Any

from tts_house import TtsHouse, report, tts_house

from avatar_appliance.client import synthesize
from avatar_appliance.processes.process_memory import process_ram
from avatar_appliance.speech.client import speech_figures

EVERY = 50
WARM = 100
HANG_UP_EVERY = 20
HANG_UP_AFTER_S = 0.05
MIB = 2**20


def sentence(number: int) -> str:
    if number % 5 == 0:
        return f"The temperature in room {number} is {number / 10} °C. Shall I turn the heating on?"
    return f"Reminder number {number}: please take the washing out at {number % 12 + 1}:{number % 60:02}."


async def speak(house: TtsHouse, number: int) -> None:
    speaking = synthesize(house.tts, sentence(number), streaming=number % 2 == 0)
    if number % HANG_UP_EVERY:
        await speaking
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HANG_UP_AFTER_S):
            await speaking


async def measure(syntheses: int) -> dict[str, Any]:
    async with tts_house() as house:
        pid = house.server_pid()
        memory_mib: dict[int, float] = {}
        for number in range(syntheses + 1):
            if number % EVERY == 0:
                ram = process_ram(pid)
                assert ram is not None
                memory_mib[number] = round(ram.rss_bytes / MIB, 1)
            if number < syntheses:
                await speak(house, number)
        figures = await speech_figures(house.runtime_dir)
    late = [value for number, value in memory_mib.items() if number >= WARM]
    return {
        "syntheses": syntheses,
        "resident_mib": memory_mib,
        "growth_mib": round(late[-1] - late[0], 1),
        "peak_over_warm_mib": round(max(late) - late[0], 1),
        "cache_mib": round(figures.cache_bytes / MIB, 1),
        "cache_limit_mib": round(figures.cache_limit_bytes / MIB, 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--syntheses", type=int, default=500)
    arguments = parser.parse_args()
    figures = asyncio.run(measure(arguments.syntheses))
    command = f"python benchmarks/tts_memory.py --syntheses {arguments.syntheses}"
    print(report("resident memory of the text-to-speech server", command, figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
