"""Sound of short sentences that were spoken already: in memory only, bounded, the longest unused goes first."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from .voice import Voice

MOST_CHARS: Final = 120
"""Longer pieces seldom come twice."""
MOST_ENTRIES: Final = 512
LARGEST_SHARE: Final = 8
"""No entry takes more than one part of so many."""


@dataclass(frozen=True, slots=True)
class PieceKey:
    """What makes two pieces sound the same.

    The text is the speakable one, after the household's pronunciations; a profile's version is part of its worker's
    name for the voice, and the speed belongs to the profile. The format is the server's only one.
    """

    text: str
    voice: tuple[str, str, str | None]

    @classmethod
    def of(cls, text: str, voice: Voice) -> PieceKey:
        """Return the key of `text` spoken by `voice`."""
        return cls(text, voice.identity)


@dataclass(frozen=True, slots=True)
class CacheFigures:
    """How the cache is doing since the server's start."""

    hits: int
    misses: int
    entries: int
    size_bytes: int
    limit_bytes: int


class SpeechCache:
    """PCM by piece; complete pieces only, as the engine made them (before any change of loudness)."""

    def __init__(self, limit_bytes: int) -> None:
        """With a limit of 0 nothing is kept."""
        self._limit_bytes = limit_bytes
        self._kept: OrderedDict[PieceKey, bytes] = OrderedDict()
        self._size_bytes = 0
        self._hits = 0
        self._misses = 0

    @property
    def figures(self) -> CacheFigures:
        """Hits and misses, and what is kept."""
        return CacheFigures(self._hits, self._misses, len(self._kept), self._size_bytes, self._limit_bytes)

    def get(self, key: PieceKey) -> bytes | None:
        """Return the sound of a piece; None where it has to be made."""
        pcm = self._kept.get(key)
        if pcm is None and not self._is_short(key):
            return None
        if pcm is None:
            self._misses += 1
            return None
        self._hits += 1
        self._kept.move_to_end(key)
        return pcm

    def __contains__(self, key: PieceKey) -> bool:
        """Say whether a piece is kept, without counting it as asked for."""
        return key in self._kept

    def put(self, key: PieceKey, pcm: bytes) -> None:
        """Keep a complete piece if it is one that may come again."""
        if not pcm or not self._is_short(key) or len(pcm) > self._limit_bytes // LARGEST_SHARE:
            return
        self._size_bytes += len(pcm) - len(self._kept.pop(key, b""))
        self._kept[key] = pcm
        while self._size_bytes > self._limit_bytes or len(self._kept) > MOST_ENTRIES:
            _, dropped = self._kept.popitem(last=False)
            self._size_bytes -= len(dropped)

    def clear(self) -> None:
        """Forget all sounds: a voice may sound otherwise from now on."""
        self._kept.clear()
        self._size_bytes = 0

    def _is_short(self, key: PieceKey) -> bool:
        return bool(self._limit_bytes) and len(key.text) <= MOST_CHARS
