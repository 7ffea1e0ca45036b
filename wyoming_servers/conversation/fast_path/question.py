"""What is asked back, or admitted, when a command's target is not clear."""

from __future__ import annotations

from collections.abc import Sequence

from wyoming_servers.house.acting.failure_sentences import failure_sentence, listed

from .recognition import Doubt, Suggestion, Unsure


def question_for(unsure: Unsure) -> str:
    """Return one spoken sentence in the language that was understood."""
    language = unsure.language
    place = unsure.details.get("area") or unsure.details.get("floor")
    if unsure.doubt is Doubt.NO_ROOM:
        return failure_sentence("which-room", language)
    if unsure.doubt is Doubt.UNKNOWN:
        unknown = failure_sentence("unknown-name", language, name=unsure.heard)
        if not unsure.suggestions:
            return unknown
        space = "" if language.startswith("zh") else " "
        return f"{unknown}{space}{ask_which(unsure.suggestions, language, heard=unsure.heard)}"
    if unsure.doubt is Doubt.NOTHING_THERE:
        if place is None:
            return failure_sentence("nothing-there-here", language)
        return failure_sentence("nothing-there", language, place=place)
    if unsure.doubt is Doubt.ELSEWHERE and place is not None:
        sentence = failure_sentence("elsewhere", language, name=unsure.heard, place=place)
        if not unsure.suggestions:
            return sentence
        space = "" if language.startswith("zh") else " "
        return f"{sentence}{space}{ask_which(unsure.suggestions, language, heard=unsure.heard)}"
    return ask_which(unsure.suggestions, language, heard=unsure.heard)


def ask_which(suggestions: Sequence[Suggestion], language: str, *, heard: str) -> str:
    """Ask which of the suggestions was meant; without any, say that nothing is called `heard`."""
    if not suggestions:
        return failure_sentence("unknown-name", language, name=heard)
    names = [one.name for one in suggestions]
    places = dict.fromkeys(
        failure_sentence("in", language, name=one.name, area=one.area)
        if one.area and (names.count(one.name) > 1 or one.name.casefold() == heard.casefold())
        else one.name
        for one in suggestions
    )
    key = "which" if names.count(names[0]) > 1 and len(places) > 1 else "did-you-mean"
    return failure_sentence(key, language, names=listed(list(places), language, last="or"))
