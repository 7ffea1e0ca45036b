"""The fingerprint of a voice: a direction in 256 dimensions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

EMBEDDING_SIZE = 256
_LEAST_LENGTH = 1e-6


@dataclass(frozen=True, slots=True)
class SpeakerEmbedding:
    """What a piece of speech says about whose it is; of length 1. Raises ValueError for what is no direction.

    It identifies a person: it is kept and sent as carefully as a recording, and is in no log line.
    """

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.values) != EMBEDDING_SIZE:
            raise ValueError(f"a speaker embedding has {EMBEDDING_SIZE} numbers")
        length = math.hypot(*self.values)
        if not _LEAST_LENGTH < length < math.inf:  # neither for a NaN
            raise ValueError("a speaker embedding has a direction")
        object.__setattr__(self, "values", tuple(value / length for value in self.values))

    def __repr__(self) -> str:
        return "SpeakerEmbedding(...)"

    def similarity(self, other: SpeakerEmbedding) -> float:
        """Return the cosine of the angle between the two: 1 is the same voice, near 0 nothing in common."""
        return math.fsum(one * two for one, two in zip(self.values, other.values, strict=True))

    @classmethod
    def mean(cls, parts: Sequence[SpeakerEmbedding]) -> SpeakerEmbedding:
        """Return the embedding of several pieces of one person's speech, of which there is at least one."""
        return cls(tuple(math.fsum(column) for column in zip(*(part.values for part in parts), strict=True)))

    @classmethod
    def of(cls, values: Iterable[float]) -> SpeakerEmbedding:
        """Return the embedding with these numbers, whatever their length together."""
        return cls(tuple(map(float, values)))
