"""How much of what was heard is what was said: any stretch of it, with the recogniser's mistakes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rapidfuzz import fuzz
from rapidfuzz.distance import LCSseq

from .tokens import Token, said_s

# Around the likeliest stretch: the recogniser makes two words of one, and one of two.
_SLACK_TOKENS: Final = 3
# Letters in common, in percent, of words that may be the same ones misheard ("kitten" for "kitchen").
_MISHEARD_RATIO: Final = 60.0
# Tokens at an end; Chinese characters that sound alike have nothing in common on paper.
_MOST_MISHEARD: Final = 2


@dataclass(frozen=True, slots=True)
class Overlap:
    """How a text that was heard lies on one that was said."""

    likeness: float
    """How much the two have in common between the first and the last heard word that was said; 0..1."""
    said_s: float
    """About how long the heard words between these two take to say, in seconds."""
    head: int
    """Heard tokens before it that were not said."""
    tail: int
    """Heard tokens after it that were not said."""
    said_before: int
    """Tokens that were said before it."""
    said_after: int
    """Tokens that were said after it; 0: nothing more was said, and a tail is somebody else's."""
    share_of_said: float
    """How much of what was said it is, by tokens; 0..1."""

    @property
    def is_all_heard(self) -> bool:
        """Whether both ends of what was heard were said."""
        return self.head == self.tail == 0

    @property
    def ends_may_be_misheard(self) -> bool:
        """Whether what was heard at the ends may be the first and last words of all that was said, misheard."""
        ends = ((self.head, self.said_before), (self.tail, self.said_after))
        return all(heard == 0 or heard == said <= _MOST_MISHEARD for heard, said in ends)


@dataclass(frozen=True, slots=True)
class _Block:
    """A run of heard tokens and the said ones in its place; one of the two may be empty."""

    heard: tuple[int, int]
    said: tuple[int, int]
    worth: float
    """How alike they are, 0..1."""


def overlap(heard: Sequence[Token], said: Sequence[Token]) -> Overlap | None:
    """Return how `heard` lies on the stretch of `said` most like it; None where they have nothing in common."""
    if not heard or not said:
        return None
    heard_keys, said_keys = [token.key for token in heard], [token.key for token in said]
    begin, end = 0, len(said)
    if len(heard) < len(said):
        found = fuzz.partial_ratio_alignment(heard_keys, said_keys)
        if found is None or not found.score:
            return None
        begin, end = max(0, found.dest_start - _SLACK_TOKENS), min(len(said), found.dest_end + _SLACK_TOKENS)
    blocks = list(_blocks(heard_keys, said_keys[begin:end]))
    alike = [block for block in blocks if block.worth and block.heard[0] < block.heard[1]]
    if not alike:
        return None
    first, last = alike[0], alike[-1]
    span = heard[first.heard[0] : last.heard[1]]
    span_s = max(said_s(span), said_s(said[begin + first.said[0] : begin + last.said[1]]))
    worth_s = sum(block.worth * said_s(heard[slice(*block.heard)]) for block in alike)
    return Overlap(
        likeness=worth_s / span_s,
        said_s=said_s(span),
        head=first.heard[0],
        tail=len(heard) - last.heard[1],
        said_before=begin + first.said[0],
        said_after=len(said) - begin - last.said[1],
        share_of_said=(last.said[1] - first.said[0]) / len(said),
    )


def _blocks(heard: Sequence[str], said: Sequence[str]) -> Iterator[_Block]:
    """Yield equal runs, and between them what stands for what."""
    pending: list[tuple[int, int, int, int]] = []
    for code in LCSseq.opcodes(heard, said):
        if code.tag == "equal":
            if pending:
                yield _unequal(heard, said, pending)
                pending = []
            yield _Block((code.src_start, code.src_end), (code.dest_start, code.dest_end), 1.0)
        else:
            pending.append((code.src_start, code.src_end, code.dest_start, code.dest_end))
    if pending:
        yield _unequal(heard, said, pending)


def _unequal(heard: Sequence[str], said: Sequence[str], codes: Sequence[tuple[int, int, int, int]]) -> _Block:
    here, there = (codes[0][0], codes[-1][1]), (codes[0][2], codes[-1][3])
    ratio = fuzz.ratio("".join(heard[slice(*here)]), "".join(said[slice(*there)]))
    return _Block(here, there, ratio / 100 if ratio >= _MISHEARD_RATIO else 0.0)
