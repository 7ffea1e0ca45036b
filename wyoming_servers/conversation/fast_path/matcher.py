"""One household in one language: sentences matched against its names and the language's templates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from hassil.filter import filter_intents
from hassil.recognize import RecognizeResult, recognize_all, recognize_best

from wyoming_servers.house.area import Area
from wyoming_servers.house.layout import HouseLayout
from wyoming_servers.house.naming import name_in

from .certainty import Certainty
from .grammar import Grammar
from .name_index import NameIndex, name_index
from .narrowing import Narrowing
from .recognition import Doubt, Recognised, Recognition, Suggestion, Unsure
from .repair import Repair, repaired
from .scripts import as_written_in
from .several import may_be_several, taken_apart
from .syllable_names import SyllableNames
from .targets import MAX_SUGGESTIONS, resolve, suggest
from .word_names import WordNames

# Sentences tried with a name put in: bounds the time of a sentence that is no command.
MAX_TRIES: Final = 3
# What is opened or unlocked because a name merely sounded right cannot be taken back.
_GUARDED_DOMAINS: Final = frozenset({"lock", "alarm_control_panel", "valve"})
_GUARDED_CLASSES: Final = frozenset({"garage", "gate", "door"})


class Matcher:
    """One layout in one language."""

    def __init__(self, layout: HouseLayout, grammar: Grammar) -> None:
        self._grammar = grammar
        # Without the sentences about things this house does not have: faster, and nothing else is taken for one.
        own_domains = {entity.domain for entity in layout.entities}
        self._narrowing = Narrowing(filter_intents(grammar.intents, domains=own_domains))
        self._index: NameIndex = name_index(layout, grammar)
        names = list(self._index.names())
        self._misheard: SyllableNames | WordNames = (
            SyllableNames(names, grammar.own_words) if grammar.is_chinese else WordNames(names, grammar.own_words)
        )

    def warm_up(self) -> None:
        """Let the templates' and the names' own caches fill."""
        sample = "打開燈" if self._grammar.is_chinese else "turn on the lights"
        self.understand(as_written_in(self._grammar, sample), None)
        self._misheard.repairs(sample)

    def taken_apart(self, text: str) -> tuple[str, ...]:
        """Return the commands a sentence may consist of; empty where it is not several."""
        if not may_be_several(text, self._grammar):
            return ()
        misheard = (one.heard for one in self._misheard.repairs(text) if one.certainty is Certainty.CERTAIN)
        return taken_apart(text, [*self._index.named_in(text), *misheard], self._grammar)

    def go_together(self, commands: Mapping[str, Recognised], asking_area: Area | None) -> bool:
        """Whether each command is clear, and so is its answer, beside the others.

        "Turn on the lights in the bedroom and close the blinds", said in the kitchen: nobody can tell whose blinds.
        "Are the lamp and the fan on?" "Yes. No.": nobody can tell which.
        """
        if sum(one.call.intent == "HassGetState" for one in commands.values()) > 1:
            return False
        found = {part: self._index.found_in(part) for part in commands}
        named = {one.call.area for part, one in commands.items() if found[part].area or found[part].floor}
        left = any(one.call.area and not (found[part].area or found[part].floor) for part, one in commands.items())
        return not left or named <= {None, asking_area}

    def understand(self, text: str, asking_area: Area | None) -> Recognition:
        """Match the sentence as it is."""
        found = self._index.found_in(text)
        intents = self._narrowing.for_names(found.domains, area=found.area, floor=found.floor)
        options: dict[str, Any] = {
            "slot_lists": dict(found.slot_lists),
            "intent_context": self._here(asking_area),
            "language": self._grammar.language,
        }
        best = recognize_best(text, intents, best_slot_name="name", **options)
        if best is None:
            return None
        doubt = self._resolve(best, asking_area)
        if isinstance(doubt, Recognised) or doubt.doubt is Doubt.AMBIGUOUS:
            return doubt
        return self._first_clear(recognize_all(text, intents, **options), asking_area) or doubt

    def understand_misheard(self, text: str, asking_area: Area | None) -> Recognition:
        """Match it with names put right that sound like something else; ask where that is not certain."""
        repairs = self._misheard.repairs(text)
        tries = MAX_TRIES
        certain = _apart(repair for repair in repairs if repair.certainty is Certainty.CERTAIN)
        if certain and not _contradicted(certain, repairs):
            tries -= 1
            found = self.understand(repaired(text, certain), asking_area)
            if isinstance(found, Recognised):
                return self._guarded(found, certain)
        meant: list[Suggestion] = []
        first: tuple[str, str] | None = None
        for repair in repairs:
            if tries == 0 or len(meant) >= MAX_SUGGESTIONS:
                break
            if first is not None and repair.heard != first[1]:
                continue  # all suggestions are about the same word
            tries -= 1
            found = self.understand(repaired(text, [repair]), asking_area)
            if isinstance(found, Recognised):
                first = first or (found.call.intent, repair.heard)
                meant += [one for one in self._suggest(repair, found) if one not in meant]
        if first is None or not meant:
            return None
        suggestions = tuple(meant[:MAX_SUGGESTIONS])
        return Unsure(Doubt.MISHEARD, first[0], self._grammar.language, first[1], suggestions)

    def _suggest(self, repair: Repair, found: Recognised) -> tuple[Suggestion, ...]:
        """What a repair means: the room whose name it puts in, else the entity."""
        if repair.name in self._index.entities:
            return suggest(found.call.targets, self._index.layout, self._grammar.language)
        areas, floors = self._index.areas.get(repair.name, ()), self._index.floors.get(repair.name, ())
        places = [*(area.names for area in areas), *(floor.names for floor in floors)]
        return tuple(Suggestion(name_in(names, self._grammar.language)) for names in places)

    def _guarded(self, found: Recognised, repairs: Sequence[Repair]) -> Recognition:
        call = found.call
        if any(e.domain in _GUARDED_DOMAINS or e.device_class in _GUARDED_CLASSES for e in call.targets):
            heard = repairs[0].heard
            return Unsure(
                Doubt.MISHEARD,
                call.intent,
                call.language,
                heard,
                suggest(call.targets, self._index.layout, self._grammar.language),
            )
        return Recognised(call, tuple(repairs))

    def _first_clear(self, results: Iterable[RecognizeResult], asking_area: Area | None) -> Recognised | None:
        for result in results:
            found = self._resolve(result, asking_area)
            if isinstance(found, Recognised):
                return found
        return None

    def _resolve(self, result: RecognizeResult, asking_area: Area | None) -> Recognised | Unsure:
        call = resolve(result, self._grammar, self._index, asking_area)
        return call if isinstance(call, Unsure) else Recognised(call)

    def _here(self, asking_area: Area | None) -> dict[str, Any] | None:
        """What "the lights" means."""
        if asking_area is None:
            return None
        return {"area": {"value": asking_area.area_id, "text": name_in(asking_area.names, self._grammar.language)}}


def _apart(repairs: Iterable[Repair]) -> list[Repair]:
    """Of overlapping repairs the first, which is the longest."""
    chosen: list[Repair] = []
    for repair in repairs:
        if not any(repair.overlaps(other) for other in chosen):
            chosen.append(repair)
    return chosen


def _contradicted(chosen: Sequence[Repair], repairs: Sequence[Repair]) -> bool:
    """Whether another name sounds as right at the same place: then nobody can tell which was meant."""
    return any(
        other.certainty is Certainty.CERTAIN
        and other.name != repair.name
        and (other.start, other.end) == (repair.start, repair.end)
        for repair in chosen
        for other in repairs
    )
