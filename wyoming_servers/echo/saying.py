"""One text that is being spoken: when each piece of it is heard, as far as the text-to-speech server can tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from wyoming_servers.tts.voice import Voice

# Only what was spoken around the time travels and is compared: players are never off our reckoning by this much.
_AROUND_S = 30.0


@dataclass(slots=True)
class _Piece:
    text: str
    from_s: float
    until_s: float


@dataclass(slots=True)
class Saying:
    """Takes pieces of text and their sound as it leaves; times are those of `clock`, in seconds.

    Sound leaves faster than it is played. It is played from the moment it leaves, at the earliest; a client that plays
    nothing before it has everything is the latest.
    """

    clock: Callable[[], float]
    satellite_id: str | None = None
    device_id: str | None = None
    voices: dict[tuple[str, str, str | None], Voice] = field(default_factory=dict)
    """Who spoke, by identity."""
    ended: bool = False
    """Whether no more sound will leave."""
    _pieces: list[_Piece] = field(default_factory=list, repr=False)
    _began_s: float | None = None
    _sent_s: float = 0.0
    _plays_until_s: float = 0.0
    _length_s: float = 0.0

    def begin_piece(self, text: str) -> None:
        """Say that the sound that follows is that of `text`, as it is spoken."""
        at_s = max(self.clock(), self._plays_until_s)
        self._pieces.append(_Piece(text, at_s, at_s))

    def sent(self, seconds: float, voice: Voice | None) -> None:
        """Say that so much sound left, and whose voice it is."""
        now_s = self.clock()
        self._began_s = now_s if self._began_s is None else self._began_s
        self._sent_s = now_s
        self._plays_until_s = max(now_s, self._plays_until_s) + seconds
        self._length_s += seconds
        if self._pieces:
            self._pieces[-1].until_s = self._plays_until_s
        if voice is not None:
            self.voices.setdefault(voice.identity, voice)

    def is_over(self, before_s: float) -> bool:
        """Whether nobody can have heard any of it since `before_s`."""
        return self.latest_end_s < before_s if self._began_s is not None else self.ended

    @property
    def latest_end_s(self) -> float:
        """When the last player is done, apart from its own slowness."""
        return max(self._plays_until_s, self._sent_s + self._length_s)

    def is_playing_between(self, from_s: float, until_s: float) -> bool:
        """Whether it was surely being played at some moment between the two, if anybody played it."""
        return self._began_s is not None and self._began_s <= until_s and from_s < self._plays_until_s

    def may_be_heard_between(self, from_s: float, until_s: float, after_s: float) -> bool:
        """Whether it may have been heard between the two, by a microphone near a player that is `after_s` late."""
        return self._began_s is not None and self._began_s <= until_s and from_s < self.latest_end_s + after_s

    def text_between(self, from_s: float, until_s: float, most_chars: int) -> str:
        """Return what of it may have been heard between the two, in whole pieces but for the length."""
        from_s -= max(_AROUND_S, self.latest_end_s - self._plays_until_s)
        until_s += _AROUND_S
        heard = [piece.text for piece in self._pieces if piece.from_s <= until_s and from_s < piece.until_s]
        return " ".join(heard)[-most_chars:]
