"""First audio after `synthesize`, with and without speech made ahead of time.

    python benchmarks/tts_ahead.py [--rounds 20] [--tokens-per-s 30]

Plays the conversation server: an answer of two sentences is handed over word by word at the pace of a language model,
and when it is complete it is asked for at once, as Home Assistant's Wyoming conversation does. Each answer is another
one, so that nothing is kept from earlier. Prints JSON; times in milliseconds from the request to the first chunk.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

from tts_house import TtsHouse, report, spread, tts_house

from avatar_appliance.client import synthesize
from avatar_appliance.speech.client import speech_figures
from avatar_appliance.speech.messages import LIMITS, SPEECH_SOCKET, AnswerEnded, AnswerPart, to_event
from avatar_appliance.wire import open_reader, write_event

WARM_UP = 2


def answer(number: int) -> str:
    return (
        f"The dishwasher in kitchen number {number} has finished its program. "
        f"You may want to take the dishes out before half past {number % 11 + 1}."
    )


async def written(writer: asyncio.StreamWriter | None, text: str, name: str, tokens_per_s: float) -> None:
    """Write an answer word by word, handing it over where there is a writer."""
    offset = 0
    for word in text.split(" "):
        await asyncio.sleep(1 / tokens_per_s)
        piece = word if offset == 0 else f" {word}"
        if writer is not None:
            await write_event(writer, to_event(AnswerPart(answer_id=name, text=piece, offset=offset)))
        offset += len(piece)
    if writer is not None:
        await write_event(writer, to_event(AnswerEnded(answer_id=name)))


async def timed(house: TtsHouse, writer: asyncio.StreamWriter | None, number: int, tokens_per_s: float) -> float:
    text = answer(number)
    await written(writer, text, f"a{number}", tokens_per_s)
    speech = await synthesize(house.tts, text)
    assert speech.first_audio_s is not None
    return 1000 * (speech.first_audio_s - speech.asked_s)


async def measure(rounds: int, tokens_per_s: float) -> dict[str, Any]:
    async with tts_house() as house:
        _, writer = await open_reader(str(house.runtime_dir / SPEECH_SOCKET), limits=LIMITS)
        times_ms: dict[str, list[float]] = {"without": [], "with": []}
        numbers = iter(range(1, 10_000))
        for round_number in range(WARM_UP + rounds):
            for name in list(times_ms)[:: -1 if round_number % 2 else 1]:
                took_ms = await timed(house, writer if name == "with" else None, next(numbers), tokens_per_s)
                if round_number >= WARM_UP:
                    times_ms[name].append(took_ms)
        writer.close()
        figures = await speech_figures(house.runtime_dir)
    return {
        "rounds": rounds,
        "tokens_per_s": tokens_per_s,
        "first_audio_ms": {name: spread(values) for name, values in times_ms.items()},
        "pieces": {"made": figures.ahead_made, "used": figures.ahead_used, "wasted": figures.ahead_wasted},
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--tokens-per-s", type=float, default=30.0)
    arguments = parser.parse_args()
    figures = asyncio.run(measure(arguments.rounds, arguments.tokens_per_s))
    command = f"python benchmarks/tts_ahead.py --rounds {arguments.rounds} --tokens-per-s {arguments.tokens_per_s:g}"
    print(report("first audio after synthesize, Piper, CPU", command, figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
