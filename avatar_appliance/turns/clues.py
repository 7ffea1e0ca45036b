"""What in two stages speaks for one turn: the words, the time, the place. No decisions here."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from avatar_appliance.store.turn import Stage

from .rules import JoinRules


def text_key(text: str | None) -> str:
    """Return `text` for comparison: white space does not count (Whisper's leading blank, joined chunks)."""
    return "".join(unicodedata.normalize("NFC", text or "").split())


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stage says it belongs; None: it does not know."""

    satellite_id: str | None = None
    device_id: str | None = None
    conversation_id: str | None = None

    def agrees(self, other: Place) -> bool:
        """Return whether nothing known about the two contradicts."""
        return (
            _agree(self.satellite_id, other.satellite_id)
            and _agree(self.device_id, other.device_id)
            and _agree(self.conversation_id, other.conversation_id)
        )

    def filled_from(self, other: Place) -> Place:
        """Return this place with what only `other` knows."""
        return Place(
            self.satellite_id or other.satellite_id,
            self.device_id or other.device_id,
            self.conversation_id or other.conversation_id,
        )


def _agree(one: str | None, other: str | None) -> bool:
    return one is None or other is None or one == other


@dataclass(frozen=True, slots=True)
class Offer:
    """Words that left a stage. `whole` is all of them, `texts` what a follower may take up as a whole."""

    owner: str
    whole: str
    texts: frozenset[str]
    since: float
    ended_at: float
    place: Place
    link_id: str | None


@dataclass(frozen=True, slots=True)
class Uptake:
    """Words a stage began with, at the time it began."""

    owner: str
    text: str
    at: float
    place: Place
    link_id: str | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one stage contributes: words it took up, words it gave on (both as far as known yet)."""

    stage: Stage
    uptake: Uptake | None
    offer: Offer | None

    @classmethod
    def of(cls, stage: Stage, rules: JoinRules) -> Evidence:
        """Work out the clues of a stage, once."""
        place = Place(stage.satellite_id, stage.device_id, stage.conversation_id)
        taken = "" if stage.kind == "transcribe" else text_key(stage.text_in)
        given = "" if stage.kind == "speak" else text_key(stage.text_out)
        uptake = Uptake(stage.id, taken, stage.started_at, place, stage.link_id) if taken else None
        if stage.ended_at is None or not given:
            return cls(stage, uptake, None)
        # A transcript is out when the stage ends; an answer may be spoken while it is still being written.
        since = stage.started_at if stage.kind == "think" else stage.ended_at - rules.overlap_s
        offer = Offer(stage.id, given, frozenset({given}), since, stage.ended_at, place, stage.link_id)
        return cls(stage, uptake, offer)


@dataclass(frozen=True, slots=True)
class Thought:
    """The think stages (tool rounds share a link) that answer one transcript, in order of their start."""

    rounds: tuple[Evidence, ...]

    @property
    def owner(self) -> str:
        """The stage that stands for all rounds."""
        return self.rounds[0].stage.id

    def offer(self, heard_at: Place | None) -> Offer | None:
        """Return its answer once all rounds have ended; `heard_at` is where its transcript came from."""
        if any(round_.stage.ended_at is None for round_ in self.rounds):
            return None
        offers = [round_.offer for round_ in self.rounds if round_.offer is not None]
        if not offers:
            return None
        offer = offers[0]
        if len(self.rounds) > 1:
            whole = "".join(part.whole for part in offers)
            # Without streaming Home Assistant speaks the last round only.
            texts = frozenset({whole, offers[-1].whole})
            ended_at = max(part.ended_at for part in offers)
            offer = replace(offer, owner=self.owner, whole=whole, texts=texts, ended_at=ended_at)
        place = offer.place if heard_at is None else offer.place.filled_from(heard_at)
        return offer if place == offer.place else replace(offer, place=place)


def may_follow(offer: Offer, uptake: Uptake, within_s: float) -> bool:
    """Return whether time, place and links allow that `uptake` took up `offer`, whatever the words."""
    return (
        offer.since <= uptake.at <= offer.ended_at + within_s
        and (offer.link_id is None or uptake.link_id is None)
        and offer.place.agrees(uptake.place)
    )


def tile(whole: str, pieces: Sequence[str]) -> bool:
    """Return whether `pieces`, in order, are the beginning of `whole`, each ending where a clause does."""
    position = 0
    for piece in pieces:
        if not whole.startswith(piece, position):
            return False
        position += len(piece)
        if position < len(whole) and not unicodedata.category(piece[-1]).startswith("P"):
            return False
    return True
