"""`avatar canary`: does the appliance speak, and understand what it says?"""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from typing import Annotated

import typer

from avatar_appliance.canary import CanaryFailed, CanaryPhrase, CanaryTurn, phrase_for, spoken_turn
from avatar_appliance.client import ServerError
from avatar_appliance.config import Settings
from avatar_appliance.control.announcing import local_endpoint
from avatar_appliance.errors import AvatarError

from .app import ConfigOption, JsonOption, app, out, run, settings_from

_RETRY_S = 1.0


@app.command()
def canary(
    wait: Annotated[float, typer.Option(help="Seconds to go on trying while the appliance starts.", min=0)] = 0.0,
    answer: Annotated[bool, typer.Option(help="Also ask the conversation server, and say its answer.")] = True,
    text: Annotated[str | None, typer.Option(help="What to say instead of the canary's own question.")] = None,
    language: Annotated[str | None, typer.Option(help="Language to speak; default: the house's.")] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Hold a tiny spoken turn with the running appliance; exits non-zero when it fails (70) or nobody answers (69)."""
    settings = settings_from(config)
    phrase = phrase_for([language] if language else settings.house.languages)
    if text is not None:
        phrase = CanaryPhrase(language or phrase.language, text)
    turn = run(_until_it_sings(settings, phrase, answer=answer, deadline_s=time.monotonic() + wait))
    if json:
        out.print_json(data=asdict(turn))
        return
    told = f"said in {turn.say_s:.2f} s, heard in {turn.hear_s:.2f} s"
    if turn.answer_s is not None:
        told += f", answered aloud in {turn.answer_s:.2f} s"
    out.print(f"The canary sings: {told}; {1 - turn.error_rate:.0%} understood.", highlight=False)


async def _until_it_sings(settings: Settings, phrase: CanaryPhrase, *, answer: bool, deadline_s: float) -> CanaryTurn:
    """Try again, until the deadline, while servers and models are on their way; a wrong answer is final."""
    while True:
        try:
            return await spoken_turn(
                phrase,
                tts=local_endpoint(settings, "tts"),
                asr=local_endpoint(settings, "asr"),
                conversation=local_endpoint(settings, "conversation") if answer else None,
            )
        except CanaryFailed:
            raise
        except AvatarError as error:
            # What a server says is wrong may be that its model is still loading.
            if time.monotonic() > deadline_s or not (error.retryable or isinstance(error, ServerError)):
                raise
        await asyncio.sleep(_RETRY_S)
