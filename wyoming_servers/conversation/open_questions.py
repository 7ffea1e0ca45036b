"""What we asked back, until it is answered."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from wyoming_servers.house.layout import HouseLayout

from .fast_path import Recognised
from .fast_path.recognition import Suggestion, Unsure
from .prepared_fast_path import PreparedFastPath
from .question import Question

# Home Assistant keeps a conversation for five minutes; nobody takes that long to say "the kitchen one".
OPEN_S: Final = 120.0
MOST_OPEN: Final = 200


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A command whose target was asked about."""

    command: Question
    unsure: Unsure
    asked_s: float

    def as_meant(self, meant: Suggestion, fast_path: PreparedFastPath, layout: HouseLayout) -> Recognised | None:
        """Return the command for the thing that was meant; None where it cannot be understood even so."""
        entity = layout.entities_by_id.get(meant.entity_id) if meant.entity_id else None
        area = layout.area_of(entity) if entity is not None else None
        for text in self._wordings(meant):
            for place in (area, self.command.asker.area(layout)):
                found = fast_path.recognise(text, self.command.asker, place)
                if isinstance(found, Recognised) and (entity is None or found.call.targets == (entity,)):
                    return found
        return None

    def _wordings(self, meant: Suggestion) -> Iterator[str]:
        """The command as it was said, with the thing's name, and with its room, too."""
        text = self.command.text
        yield text
        named = _replaced(text, self.unsure.heard, meant.name)
        yield named
        if meant.area:
            yield _replaced(named, self.unsure.details.get("area", ""), meant.area)
            room_first = self.unsure.language.startswith("zh")
            placed = f"{meant.area}{meant.name}" if room_first else f"{meant.area} {meant.name}"
            yield _replaced(text, self.unsure.heard, placed)


class OpenQuestions:
    """The last question of each conversation; an answer, or anything else, closes it."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        """`clock` is monotonic, in seconds."""
        self._clock = clock
        self._open: OrderedDict[str, OpenQuestion] = OrderedDict()

    def ask(self, command: Question, unsure: Unsure) -> None:
        """Keep what was asked back about a command."""
        if command.conversation_id and unsure.suggestions:
            self._open[command.conversation_id] = OpenQuestion(command, unsure, self._clock())
            self._open.move_to_end(command.conversation_id)
            while len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)

    def take(self, reply: Question) -> OpenQuestion | None:
        """Return the question that the next sentence of a conversation may answer, and close it."""
        found = self._open.pop(reply.conversation_id, None)
        return found if found is not None and self._clock() - found.asked_s <= OPEN_S else None


def _replaced(text: str, old: str, new: str) -> str:
    return re.sub(re.escape(old), lambda _: new, text, count=1, flags=re.IGNORECASE) if old else text
