"""Which utterance a question was: Home Assistant hands on the words of a transcript, and nothing else."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from .trouble import id_of_trouble
from .utterances import Utterances, digest_of

FOLLOWS_WITHIN_S: Final = 10.0
"""From the transcript to the question; Home Assistant takes milliseconds, unless it looks into other things first."""
_MOST_CLAIMED: Final = 256
_NOBODY: Final = object()


class AskedQuestions:
    """Joins questions with utterances by their words, each utterance with one conversation; in doubt, with none."""

    def __init__(self, utterances: Utterances, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._utterances = utterances
        self._clock = clock
        self._claimed: OrderedDict[str, object] = OrderedDict()
        """Whose question an utterance was. It stays that one's: a thought may take several requests."""

    def utterance_of(self, text: str, conversation_id: str) -> str | None:
        """Return the id of the utterance that a question was, None where it was none or several may have been it.

        For one that is no voice it is the id of its trouble.
        """
        words, now_s = digest_of(text), self._clock()
        same = [one for one in self._utterances.all if one.words == words]
        own = [one.id for one in same if conversation_id and self._claimed.get(one.id) == conversation_id]
        unclaimed = [
            one.id for one in same if one.id not in self._claimed and 0 <= now_s - one.heard_at_s <= FOLLOWS_WITHIN_S
        ]
        if unclaimed:
            # Two people said the same: nobody can tell which question is whose, now or when the other one comes.
            whose: object = conversation_id if len(unclaimed) == 1 else _NOBODY
            for one in unclaimed:
                self._claim(one, whose)
        found = unclaimed or own[-1:]
        if len(found) != 1:
            return None
        trouble = next(one.trouble for one in same if one.id == found[0])
        return found[0] if trouble is None else id_of_trouble(trouble)

    def _claim(self, utterance: str, whose: object) -> None:
        self._claimed[utterance] = whose
        while len(self._claimed) > _MOST_CLAIMED:
            self._claimed.popitem(last=False)
