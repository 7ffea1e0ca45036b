"""Why an utterance is no voice."""

from __future__ import annotations

from typing import Final, Literal, get_args

from .mark import ID_PREFIX

Trouble = Literal[
    "too little speech", "too long a question", "the box spoke, too", "others spoke since", "it could not be kept"
]
TROUBLES: Final[tuple[Trouble, ...]] = get_args(Trouble)


def id_of_trouble(trouble: Trouble) -> str:
    """Return the id that stands for all utterances with a trouble; none of a voice is like it.

    They are answered in the default voice anyhow, whose sound Home Assistant may keep: with an id for each of them it
    would play nothing twice, and keep everything.
    """
    return f"{ID_PREFIX}{TROUBLES.index(trouble):08x}"


def trouble_of_id(utterance_id: str) -> Trouble | None:
    """Return the trouble that an id stands for; None for an utterance's own."""
    return next((trouble for trouble in TROUBLES if id_of_trouble(trouble) == utterance_id), None)


def as_trouble(value: object) -> Trouble | None:
    """Return a trouble by its words; None where they are none."""
    return next((trouble for trouble in TROUBLES if trouble == value), None)
