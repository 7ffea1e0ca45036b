"""Text from the house as data: quoted, bounded, and without anything that looks like part of a prompt.

Names and states are written by whoever can name a device: a guest's phone, a neighbour's speaker, a web page shown as
a media title. A model must be able to tell them from its instructions.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Final

MAX_NAME_CHARS: Final = 60
MAX_STATE_CHARS: Final = 80

# What chat templates and prompts are built from: <|im_start|>, [INST], ###, ```, {{ }}, and tags of any kind.
_MARKERS: Final = re.compile(r"[<>\[\]{}|`#*\\]+|-{3,}|={3,}|_{3,}|~{3,}")
_INSTRUCTION_TAG: Final = re.compile(
    r"\[/?\s*(INST|SYS|SYSTEM_PROMPT|TOOL_CALLS|AVAILABLE_TOOLS)\s*\]|#{3,}", re.IGNORECASE
)
_CONTROL_TOKEN: Final = re.compile(
    r"<\|[^<>|\n]{1,40}\|>|</?s>|<</?SYS>>|<(?:start|end)_of_turn>|\[/?(?:INST|SYSTEM_PROMPT|TOOL_CALLS|AVAILABLE_TOOLS)\]"
)
# "system:" at the beginning reads like the next speaker's turn.
_SPEAKERS: Final = ("system", "assistant", "user", "human", "developer", "tool", "instruction")
_SPEAKER: Final = re.compile(rf"\b({'|'.join(_SPEAKERS)}s?)\s*[:：]", re.IGNORECASE)
_CHINESE_SPEAKER: Final = re.compile(r"(系統|系统|助理|使用者|用户|指令|提示詞|提示词)\s*[:：]")


def neutralised(text: str, most_chars: int) -> str:
    """Return one line of plain words, at most `most_chars` long.

    Control, format and private characters (also those that hide or reverse text) are dropped, full-width and styled
    letters are made plain, so that no marker can be spelt another way.
    """
    plain = unicodedata.normalize("NFKC", text[: 8 * most_chars])
    visible = "".join(" " if char.isspace() else char for char in plain if char.isspace() or _is_visible(char))
    one_line = " ".join(_without_speakers(_MARKERS.sub(" ", visible)).split())
    return one_line if len(one_line) <= most_chars else f"{one_line[: most_chars - 1].rstrip()}…"


def as_tool_data(text: str, most_chars: int = 12_000) -> str:
    """Return a tool's answer without what chat templates and turns are made of; its lines, JSON or YAML stay."""
    plain = unicodedata.normalize("NFC", text[: 2 * most_chars])
    visible = plain  # nearly always, and a loop over a long text takes its time
    if not plain.replace("\n", "").isprintable():
        visible = "".join(char for char in plain if char == "\n" or _is_visible(char))
    unmarked = _INSTRUCTION_TAG.sub(" ", visible).replace("<", " ").replace(">", " ").replace("```", " ")
    words = _without_speakers(unmarked)
    return words if len(words) <= most_chars else f"{words[:most_chars]} ... (cut)"


def without_control_tokens(text: str) -> str:
    """Return instructions without what only chat templates write: a model's tokenizer would take it for theirs."""
    return _CONTROL_TOKEN.sub(" ", text) if "<" in text or "[" in text else text


def quoted(text: str, most_chars: int = MAX_NAME_CHARS) -> str:
    """Return text as a JSON string: no quote in it can end it."""
    return json.dumps(neutralised(text, most_chars), ensure_ascii=False)


def _without_speakers(text: str) -> str:
    lower = text.lower()
    if any(speaker in lower for speaker in _SPEAKERS):  # the pattern is slow on the thousands of words of a house
        text = _SPEAKER.sub(r"\1 ", text)
    return _CHINESE_SPEAKER.sub(r"\1 ", text)


def _is_visible(char: str) -> bool:
    return unicodedata.category(char)[0] != "C"
