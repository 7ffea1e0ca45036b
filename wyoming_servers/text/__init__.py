"""The text layer: what a language model wrote, made speakable piece by piece while it is still writing."""

from __future__ import annotations

from wyoming_servers.text.chinese_script import to_traditional
from wyoming_servers.text.errors import PronunciationInvalid
from wyoming_servers.text.language import detect_language, script_of
from wyoming_servers.text.markup_stripper import MarkupStripper
from wyoming_servers.text.normaliser import Normaliser, normaliser_for
from wyoming_servers.text.pronunciation import Pronunciation, PronunciationDictionary
from wyoming_servers.text.sentence_splitter import SentenceSplitter
from wyoming_servers.text.speakable_stream import SpeakableStream, TextFormat, speakable

__all__ = [
    "MarkupStripper",
    "Normaliser",
    "Pronunciation",
    "PronunciationDictionary",
    "PronunciationInvalid",
    "SentenceSplitter",
    "SpeakableStream",
    "TextFormat",
    "detect_language",
    "normaliser_for",
    "script_of",
    "speakable",
    "to_traditional",
]
