"""Why a profile is no voice, in the owners' languages."""

from __future__ import annotations

from collections.abc import Mapping

from .profile import CHECK_FAILED, LANGUAGE_NOT_SPOKEN, NO_CLONING_WORKER, NO_CONSENT, NO_TRANSCRIPT, RECORDING_MISSING
from .remark_texts import TextLanguage

_TEXTS: Mapping[str, tuple[str, str]] = {
    NO_CONSENT: (
        "Nobody's consent is on record: say whose voice it is and what they allow it for.",
        "還沒有同意紀錄：請寫下是誰的聲音、同意用在哪裡。",
    ),
    NO_CLONING_WORKER: (
        "No worker that clones voices is configured (f5-tts, qwen3-tts, cosyvoice or pocket-tts): the profile is kept.",
        "沒有設定能複製聲音的引擎（f5-tts、qwen3-tts、cosyvoice 或 pocket-tts）：聲音檔會先保留。",
    ),
    LANGUAGE_NOT_SPOKEN: (
        "None of the configured cloning workers speaks any of its languages: the profile is kept.",
        "目前設定的引擎都不會說這些語言：聲音檔會先保留。",
    ),
    NO_TRANSCRIPT: (
        "What is said in the recording is not known: write it down word for word.",
        "不知道錄音裡說了什麼：請逐字寫下來。",
    ),
    RECORDING_MISSING: ("The recording is not on the disk any more: record again.", "錄音檔已經不在了：請重新錄音。"),
    CHECK_FAILED: (
        "The check broke off (the log says why): have it checked again.",
        "檢查中斷了（原因請看記錄檔）：請再檢查一次。",
    ),
    "transcript-wrong": (
        "The words given are not what is said in the recording: correct them.",
        "提供的文字和錄音不符：請校正。",
    ),
}

REASONS = frozenset(_TEXTS)
"""Every reason there is a text for."""


def reason_text(reason: str, language: TextLanguage) -> str:
    """Return the reason as a sentence."""
    english, chinese = _TEXTS[reason]
    return chinese if language == "zh-TW" else english
