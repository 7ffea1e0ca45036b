"""The fast path: plain commands understood in milliseconds, without a language model."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Final

from wyoming_servers.house.area import Area
from wyoming_servers.house.layout import HouseLayout

from .grammar import Grammar, grammars_for
from .matcher import Matcher
from .recognition import Doubt, Recognised, Recognition, Unsure
from .scripts import as_written_in
from .several import with_pauses
from .unknown_name import unknown_name

# A plain command is short; what is longer is for the language model, and would take long to match.
MAX_CHARS: Final = 120
MAX_CHARS_OF_SEVERAL: Final = 2 * MAX_CHARS


class FastPath:
    """Recognises sentences against a household. Thread-safe; a call computes for a few milliseconds."""

    def __init__(self) -> None:
        self._layout: HouseLayout | None = None
        self._matchers: dict[str, Matcher] = {}
        self._lock = threading.Lock()

    def prepare(self, layout: HouseLayout, languages: Iterable[str]) -> None:
        """Load the languages and index the names ahead of the first question (up to a second)."""
        for language in languages:
            for sentence in ("燈", "light"):
                for grammar in grammars_for(sentence, language):
                    self._matcher(layout, grammar).warm_up()

    def recognise(self, text: str, language: str, layout: HouseLayout, asking_area: Area | None = None) -> Recognition:
        """Return the one thing that `text` asks for; None where it is no plain command. Never raises for any text."""
        said = self._as_said(text, language, layout, asking_area)
        if isinstance(said, Recognised):
            return said
        misheard = self._misheard(text, language, layout, asking_area)
        return misheard if isinstance(misheard, Recognised) else said or misheard

    def understand(
        self, text: str, language: str, layout: HouseLayout, asking_area: Area | None = None
    ) -> tuple[Recognised, ...] | Unsure | None:
        """Return all that `text` asks for, which may be several things; they are all plain, or there are none."""
        said = self._as_said(text, language, layout, asking_area)
        if isinstance(said, Recognised):
            return (said,)
        if several := self._several(text, language, layout, asking_area):
            return several
        misheard = self._misheard(text, language, layout, asking_area)
        return (misheard,) if isinstance(misheard, Recognised) else said or misheard

    def _as_said(self, text: str, language: str, layout: HouseLayout, asking_area: Area | None) -> Recognition:
        doubt: Unsure | None = None
        for grammar in _grammars(text, language):
            found = self._matcher(layout, grammar).understand(as_written_in(grammar, _plain(text)), asking_area)
            if isinstance(found, Recognised):
                return found
            doubt = doubt or found
        return doubt

    def _misheard(self, text: str, language: str, layout: HouseLayout, asking_area: Area | None) -> Recognition:
        for grammar in _grammars(text, language)[:1]:
            return self._matcher(layout, grammar).understand_misheard(as_written_in(grammar, _plain(text)), asking_area)
        return None

    def _several(
        self, text: str, language: str, layout: HouseLayout, asking_area: Area | None
    ) -> tuple[Recognised, ...]:
        """Return the commands of a sentence that holds several; empty unless every one of them is plain."""
        if len(text) > MAX_CHARS_OF_SEVERAL:
            return ()
        for grammar in grammars_for(text, language)[:1]:
            matcher = self._matcher(layout, grammar)
            for said in with_pauses(_plain(text)):
                found: dict[str, Recognised] = {}
                parts = matcher.taken_apart(as_written_in(grammar, said))
                for part in parts:
                    one = self.recognise(part, language, layout, asking_area)
                    if not isinstance(one, Recognised):
                        break
                    found[part] = one
                if found and len(found) == len(parts):
                    return tuple(found.values()) if matcher.go_together(found, asking_area) else ()
        return ()

    def unclear(self, text: str, language: str, layout: HouseLayout, asking_area: Area | None = None) -> Unsure | None:
        """Return why a command that was not recognised cannot be carried out; None where it may be no command.

        For whoever has nobody else to leave it to: a model that can act knows better what was meant.
        """
        text = _plain(text)
        if not text or len(text) > MAX_CHARS:
            return None
        if asking_area is None:
            for area in layout.areas:
                found = self.recognise(text, language, layout, area)
                if isinstance(found, Recognised) and found.call.area == area:
                    return Unsure(Doubt.NO_ROOM, found.call.intent, found.call.language, "")
        return unknown_name(text, language, layout)

    def _matcher(self, layout: HouseLayout, grammar: Grammar) -> Matcher:
        with self._lock:
            if layout is not self._layout:
                if layout != self._layout:
                    self._matchers = {}
                self._layout = layout
            matcher = self._matchers.get(grammar.language)
            if matcher is None:
                matcher = self._matchers[grammar.language] = Matcher(layout, grammar)
            return matcher


def _plain(text: str) -> str:
    return " ".join(text.split())


def _grammars(text: str, language: str) -> list[Grammar]:
    """Those that one command may be in, best first; none for what is too long."""
    text = _plain(text)
    return grammars_for(text, language) if 0 < len(text) <= MAX_CHARS else []
