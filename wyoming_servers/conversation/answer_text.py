"""What of a model's output is the answer: no reasoning, and Traditional characters where those are read."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterable

from wyoming_servers.text import to_traditional
from wyoming_servers.text.reasoning import ReasoningFilter

from .text_calls import TextCalls

# The conversion looks at one clause at a time, so nothing is lost by feeding it whole clauses.
_CLAUSE_END = "[，。！？；：、…\n,.!?;:]"
_WHOLE_CLAUSES = re.compile(f".*{_CLAUSE_END}", re.DOTALL)
_ANY_CLAUSE_END = re.compile(_CLAUSE_END)
# Some models do without punctuation: so many characters are something to say, too.
CLAUSE_CHARS = 60


async def as_answer(
    raw: AsyncIterable[str], language: str, calls: TextCalls | None = None
) -> AsyncGenerator[str, None]:
    """Yield the text of an answer as it may be shown and spoken; white space before it is dropped.

    `calls` takes out a text that is nothing but tool calls.
    """
    calls = calls or TextCalls(active=False)
    reasoning, script = ReasoningFilter(), _Script(traditional=_reads_traditional(language))
    begun = False
    async for piece in raw:
        text = script.feed(calls.feed(reasoning.feed(piece)))
        if text := text if begun else text.lstrip():
            begun = True
            yield text
    text = script.feed(calls.feed(reasoning.flush()) + calls.flush()) + script.flush()
    if text := text if begun else text.lstrip():
        yield text


def has_clause(text: str) -> bool:
    """Return whether an answer has enough for its first words to be spoken."""
    return len(text) >= CLAUSE_CHARS or _ANY_CLAUSE_END.search(text) is not None


class _Script:
    """Converts Chinese clause by clause; passes everything else through at once."""

    def __init__(self, *, traditional: bool) -> None:
        self._traditional = traditional
        self._held = ""

    def feed(self, text: str) -> str:
        if not self._traditional:
            return text
        self._held += text
        whole = _WHOLE_CLAUSES.match(self._held)
        if whole is None:
            return ""
        self._held = self._held[whole.end() :]
        return to_traditional(whole[0])

    def flush(self) -> str:
        rest, self._held = self._held, ""
        return to_traditional(rest) if rest else ""


def _reads_traditional(language: str) -> bool:
    tag = language.replace("_", "-").lower()
    return tag in ("zh-tw", "zh-hk", "zh-mo") or tag.startswith("zh-hant")
