"""What was heard in the last minute: a line for each utterance, written by one server and read by the others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from avatar_appliance.atomic_file import replace_atomically
from avatar_appliance.facts.fact import same_words
from avatar_appliance.watched_file import WatchedFile

from .trouble import Trouble, as_trouble

UTTERANCES_FILE: Final = "utterances.json"
_FORMAT: Final = 1
_MAX_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Utterance:
    """One utterance that became a transcript."""

    id: str
    heard_at_s: float
    """On `time.monotonic`'s clock, which all processes of a machine share."""
    words: str
    """Digest of its words: enough to recognise them."""
    trouble: Trouble | None = None
    """Why its speaker's voice cannot be had from it; None: it is in the index of voices."""


def digest_of(text: str) -> str:
    """Return what is equal for texts of the same words, whatever became of spaces, case and punctuation."""
    return hashlib.sha256(same_words(text).encode()).hexdigest()[:32]


class Utterances:
    """The utterances as the file says now. Looking costs one `stat` unless the file changed."""

    def __init__(self, folder: Path) -> None:
        """Watch the file in `folder`, neither of which need exist yet."""
        nothing: tuple[Utterance, ...] = ()
        self._file = WatchedFile(
            folder / UTTERANCES_FILE, _parse, nothing, what="the list of utterances", max_bytes=_MAX_BYTES
        )

    @property
    def all(self) -> tuple[Utterance, ...]:
        """All that are kept, the oldest first."""
        return self._file.value

    def get(self, utterance_id: str) -> Utterance | None:
        """Return the one with this id, if it is kept."""
        return next((one for one in self.all if one.id == utterance_id), None)


def write_utterances(folder: Path, utterances: Iterable[Utterance]) -> None:
    """Replace the list as a whole. Raises OSError."""
    content = json.dumps({"format": _FORMAT, "utterances": [asdict(one) for one in utterances]}).encode()
    replace_atomically(folder / UTTERANCES_FILE, content)


def _parse(content: bytes) -> tuple[Utterance, ...]:
    document = json.loads(content)
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise ValueError("it has another format")
    items = document.get("utterances")
    if not isinstance(items, list):
        raise ValueError("it has another format")
    return tuple(map(_utterance, items))


def _utterance(item: Any) -> Utterance:
    try:
        id_, heard_at_s, words, trouble = (item[name] for name in ("id", "heard_at_s", "words", "trouble"))
    except (TypeError, KeyError):
        raise ValueError("an utterance is incomplete") from None
    if not (isinstance(id_, str) and isinstance(words, str) and isinstance(heard_at_s, int | float)):
        raise ValueError("an utterance has an unusable value")
    if trouble is not None and as_trouble(trouble) is None:
        raise ValueError("an utterance has an unknown trouble")
    return Utterance(id_, float(heard_at_s), words, as_trouble(trouble))
