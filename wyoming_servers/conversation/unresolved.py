"""What a model tried to change in vain, until it made good."""

from __future__ import annotations

from collections.abc import Iterable

from .house_tools import ToolAnswer


class Unresolved:
    """Failed changes of one turn. A model may try again (another name); what it then does makes up for the failure."""

    def __init__(self) -> None:
        self._failed: dict[str, list[ToolAnswer]] = {}
        self.changed = False
        """Whether anything was changed in this turn."""

    def note(self, answers: Iterable[ToolAnswer]) -> None:
        """Take the results of one round."""
        answers = list(answers)
        for answer in answers:
            if answer.changes:
                self.changed = True
                # A call with the same tool that worked, in a later round: the model put one failure right.
                del self._failed.get(answer.call.name, [])[:1]
        for answer in answers:
            if answer.apology is not None:
                self._failed.setdefault(answer.call.name, []).append(answer)

    @property
    def apologies(self) -> list[str]:
        """What has to be admitted; the same sentence once."""
        sentences = [answer.apology for answers in self._failed.values() for answer in answers if answer.apology]
        return list(dict.fromkeys(sentences))
