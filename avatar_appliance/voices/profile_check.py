"""The check of a profile: words, speakers, and, where it may be a voice, its first sentence."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace
from typing import Any

from avatar_appliance.client import WavAudio, read_wav
from avatar_appliance.errors import AvatarError, BadRequest, NotFound

from .cloners import Cloners
from .listening import Ears, least_similarity
from .patience import patiently, reason_of
from .profile import CHECK_FAILED, NO_TRANSCRIPT, RECORDING_MISSING, VoiceProfile
from .profile_book import ProfileBook
from .profile_fields import MAX_TRANSCRIPT_CHARS
from .remark import Remark, note, refused, warning
from .studio_process import Studio
from .trial_run import TrialRun
from .voice_files import VoiceFiles

_LOGGER = logging.getLogger(__name__)

# Where the words are there, hearing them is for comfort; nobody waits long for that.
_SHORT_PATIENCE_S = 10.0
_WRONG_SHARE, _DIFFERENT_SHARE = 0.6, 0.15
_ONE_SPEAKER = 0.6


class _Over(Exception):
    """The profile was changed or deleted meanwhile: another check will do, or none."""


class ProfileCheck:
    """Brings a profile from `recorded` to `ready`, `kept` or `refused`. May be ended at any moment and begun again."""

    def __init__(
        self,
        book: ProfileBook,
        files: VoiceFiles,
        studio: Studio,
        ears: Ears,
        cloners: Cloners,
        trial: TrialRun,
        *,
        patience_s: float,
    ) -> None:
        self._book = book
        self._files = files
        self._studio = studio
        self._ears = ears
        self._cloners = cloners
        self._trial = trial
        self._patience_s = patience_s
        self._short_patience_s = min(_SHORT_PATIENCE_S, patience_s)

    async def run(self, profile_id: str) -> None:
        """Check one profile; raises what the store raises, and then no profile is left waiting for ever."""
        try:
            await self._run(await self._book.get(profile_id))
        except (NotFound, _Over):
            pass
        except Exception:
            with contextlib.suppress(AvatarError):  # the same trouble again: the row stays as it is until the restart
                await self._book.change(profile_id, _broken_off)
            raise

    async def _run(self, profile: VoiceProfile) -> None:
        if not profile.is_voice:  # a voice stays one while it is checked again
            profile = await self._changed(profile, state="checking", reason=None)
        try:
            audio = await asyncio.to_thread(read_wav, self._files.path(profile.id, profile.reference))
        except BadRequest:
            await self._changed(profile, state="refused", reason=RECORDING_MISSING)
            return
        profile, words = await self._check_words(profile, audio)
        profile, speakers = await self._check_speakers(profile, audio)
        profile = await self._changed(profile, check_remarks=(*words, *speakers))
        refusal = next((remark.code for remark in words if remark.severity == "refused"), None)
        obstacle = NO_TRANSCRIPT if not profile.transcript else self._cloners.obstacle(profile)
        if refusal is not None or obstacle is not None:
            state = "refused" if refusal is not None else "kept"
            await self._changed(profile, state=state, reason=refusal or obstacle)
            return
        profile = await self._changed(profile, state="cloning", reason=None)
        trial, remarks = await self._trial.of(profile)
        await self._changed(profile, state="ready", trial=trial, trial_remarks=remarks)
        _LOGGER.info("voice %s is ready (score %s)", profile.id, "none" if trial is None else trial.score)

    async def _check_words(self, profile: VoiceProfile, audio: WavAudio) -> tuple[VoiceProfile, list[Remark]]:
        given, language = profile.transcript, profile.transcript_language
        if given and profile.transcript_source == "heard":
            return profile, [note("transcript-heard")]
        patience_s = self._short_patience_s if given else self._patience_s
        try:
            heard = await patiently(lambda: self._ears.words(audio, language), patience_s)
            compared = await self._studio.compare(heard, given or None, language)
        except AvatarError as error:
            code = "transcript-not-checked" if given else "transcript-missing"
            return profile, [(note if given else warning)(code, reason=reason_of(error))]
        if not given:
            if not compared.heard:
                return profile, [warning("transcript-missing", reason="nothing-heard")]
            # Not another version: no worker has seen the recording without its words.
            heard = compared.heard[:MAX_TRANSCRIPT_CHARS]
            return await self._changed(profile, transcript=heard, transcript_source="heard"), [note("transcript-heard")]
        share, remarks = compared.error_share, []
        if share is None:
            return profile, [note("transcript-not-checked", reason="nothing-heard")]
        if compared.part is not None and (compared.part_error_share or 0) <= _DIFFERENT_SHARE < share:
            # The owner wrote down all of a recording of which a part was taken.
            version = profile.version + profile.is_voice
            profile = await self._changed(profile, transcript=compared.part, version=version)
            share, remarks = compared.part_error_share or 0.0, [note("transcript-cut")]
        percent = min(100, round(100 * share))
        if share > _WRONG_SHARE:
            return profile, [refused("transcript-wrong", errors_percent=percent)]
        if share > _DIFFERENT_SHARE:
            return profile, [warning("transcript-differs", errors_percent=percent)]
        return profile, [*remarks, note("transcript-matches")]

    async def _check_speakers(self, profile: VoiceProfile, audio: WavAudio) -> tuple[VoiceProfile, list[Remark]]:
        unknown = [note("speakers-not-checked")]
        if not self._ears.know_speakers:
            return profile, unknown
        try:
            whole, model = await patiently(lambda: self._ears.voice(audio), self._short_patience_s)
            pieces = await patiently(lambda: self._ears.voices(audio), self._short_patience_s)
        except AvatarError as error:
            _LOGGER.info("the speakers of a recording were not checked: %s", reason_of(error))
            return profile, unknown
        profile = await self._changed(profile, embedding=whole.values, embedding_model=model)
        least = least_similarity(pieces)
        if least is None:
            return profile, unknown
        if least < _ONE_SPEAKER:
            return profile, [warning("several-speakers", similarity=round(least, 2))]
        return profile, [note("one-speaker")]

    async def _changed(self, profile: VoiceProfile, **values: Any) -> VoiceProfile:
        changed = await self._book.change_take(profile, **values)
        if changed is None:
            raise _Over
        return changed


def _broken_off(profile: VoiceProfile) -> VoiceProfile:
    if profile.is_voice:
        return replace(profile, state="ready")
    return replace(profile, state="kept", reason=CHECK_FAILED)
