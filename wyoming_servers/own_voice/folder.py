"""Where the utterances of the last minute are: in the runtime folder, which is memory and is in no backup."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from avatar_appliance.config import Settings
from avatar_appliance.config.cloning import CloningWorker
from avatar_appliance.voices.voice_index import INDEX_FILE, VoiceIndex

_FOLDER: Final = "own-voice"


def own_voice_folder(runtime_dir: Path) -> Path:
    """Return the folder of the appliance with this `paths.runtime_dir`."""
    return runtime_dir / _FOLDER


def own_voice_index(runtime_dir: Path) -> VoiceIndex:
    """Return the voices that utterances became, as the cloning workers read them."""
    return VoiceIndex(own_voice_folder(runtime_dir) / INDEX_FILE)


def own_voice_languages(settings: Settings) -> tuple[str, ...]:
    """Return the languages (bare tags) in which somebody can be answered in their own voice, the house's first.

    Empty where that is not wanted, or no worker of the text-to-speech ladder clones.
    """
    if not settings.own_voice.enabled:
        return ()
    workers = [settings.workers[name] for name in settings.tts.workers]
    spoken = [tag for worker in workers if isinstance(worker, CloningWorker) for tag in worker.clone_languages]
    bare = list(dict.fromkeys(tag.lower().partition("-")[0] for tag in spoken))
    house = [tag.replace("_", "-").lower().partition("-")[0] for tag in settings.house.languages]
    return tuple(sorted(bare, key=lambda tag: house.index(tag) if tag in house else len(house)))
