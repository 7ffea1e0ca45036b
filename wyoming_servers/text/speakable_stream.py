"""The one door to the text layer: a stream of text in, pieces to be spoken out."""

from __future__ import annotations

import re
from typing import Final, Literal

from wyoming_servers.text.language import piece_language
from wyoming_servers.text.markup_stripper import MarkupStripper
from wyoming_servers.text.normaliser import normaliser_for
from wyoming_servers.text.pronunciation import PronunciationDictionary
from wyoming_servers.text.sentence_splitter import SentenceSplitter
from wyoming_servers.text.ssml import SsmlStripper

_BLANK_BEFORE_PAUSE: Final = re.compile(r" ([.,])")  # where an emoji stood
TextFormat = Literal["text", "ssml", "other"]


class SpeakableStream:
    """Strips markup, splits into pieces, reads out numbers and signs. Pieces with nothing to say are dropped.

    `language` is a tag such as "en", "en-US", "zh_TW"; numbers are read only in languages with a normaliser, and in
    the other one of English and Chinese where a piece is clearly written in that.
    """

    def __init__(
        self,
        language: str,
        *,
        text_format: TextFormat | None = None,
        dictionary: PronunciationDictionary | None = None,
        splitter: SentenceSplitter | None = None,
    ) -> None:
        """Use `dictionary` for the whole stream; `splitter` sets other lengths of pieces."""
        self._language = language
        self._dictionary = dictionary
        self._markup = _stripper(language, text_format)
        self._splitter = splitter or SentenceSplitter()

    def feed(self, chunk: str) -> list[str]:
        """Take a chunk of text and return the pieces that are complete by now."""
        return self._speakable(self._splitter.feed(self._markup.feed(chunk)))

    def flush(self) -> list[str]:
        """Return the last pieces; the stream is as new afterwards."""
        pieces = self._splitter.feed(self._markup.flush())
        return self._speakable(pieces + self._splitter.flush())

    def _speakable(self, pieces: list[str]) -> list[str]:
        spoken = (_say(piece, self._language, self._dictionary) for piece in pieces)
        return [piece for piece in spoken if any(map(str.isalnum, piece))]


def speakable(
    text: str,
    language: str,
    *,
    text_format: TextFormat | None = None,
    dictionary: PronunciationDictionary | None = None,
) -> str:
    """Return one whole piece of text the way it is to be spoken in `language`; "" if nothing of it can be."""
    stripper = _stripper(language, text_format)
    spoken = _say(stripper.feed(text) + stripper.flush(), language, dictionary)
    return spoken if any(map(str.isalnum, spoken)) else ""


def _stripper(language: str, text_format: TextFormat | None) -> MarkupStripper | SsmlStripper:
    normaliser = normaliser_for(language)
    link_word = normaliser.link_word if normaliser is not None else ""
    return SsmlStripper(link_word=link_word) if text_format == "ssml" else MarkupStripper(link_word=link_word)


def _say(text: str, language: str, dictionary: PronunciationDictionary | None) -> str:
    spoken_in = piece_language(text, language)
    if dictionary is not None:
        text = dictionary.apply(text, spoken_in)
    normaliser = normaliser_for(spoken_in)
    if normaliser is None:
        return _BLANK_BEFORE_PAUSE.sub(r"\1", " ".join(text.split()))
    return normaliser.normalise(text)
