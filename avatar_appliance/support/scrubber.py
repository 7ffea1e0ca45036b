"""Takes out of texts what is nobody's business: the last net under parts that should hold nothing private anyway.

What was said is looked for in windows of a few words, so that a sentence that a log line quotes in part is found as
well; such a line goes as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import Any

from avatar_appliance.config.show import without_userinfo

SAID = "(a line with something that was said: taken out)"
SECRET = "(secret, taken out)"  # noqa: S105 - what stands in its place
_WINDOW_WORDS = 4
_TELLING_WORDS = 3  # are enough where one of them is long: "is in the" is no quotation, "see the orthodontist" is
_LONG_WORD_CHARS = 7
_WINDOW_SIGNS = 4  # of a script without spaces between words
_MIN_SECRET_CHARS = 4
_MIN_NAME_CHARS = 3
_TOKENS = re.compile(
    r"avatar_[\w-]{16,}|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*|\b(?:hf|ghp|gho|glpat|xox[abp])[_-][\w-]{10,}"
    r"|\bsk-[\w-]{10,}|AGE-SECRET-KEY-\w+|\b[0-9a-fA-F]{64}\b"
)
_ASSIGNED = re.compile(
    r"(?i)(authorization:\s*(?:[a-z]+\s+)?|bearer\s+"
    r"|[\w.-]*(?:token|passw(?:or)?d|passphrase|api[_-]?key|secret)[\"']?\s*[=:]\s*)"
    r"(?!\(|null\b|none\b)[\"']?([^\s\"',;)}]+)"
)
_ADDRESS = re.compile(r"(?<![\w:.])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:]+:[0-9a-fA-F:]*)(?![\w:])")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_IDEOGRAPHS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")


class Scrubber:
    """Knows the secrets, the names and the sentences of one house."""

    def __init__(
        self, *, secrets: Iterable[str] = (), names: Iterable[str] = (), said: Iterable[str] = (), home: str = ""
    ) -> None:
        """`names` are replaced by the same number each time, so that a story can still be followed."""
        self._secrets = sorted((s for s in set(secrets) if len(s) >= _MIN_SECRET_CHARS), key=len, reverse=True)
        known = sorted({name for name in names if len(name) >= _MIN_NAME_CHARS}, key=lambda name: (-len(name), name))
        self._numbers = {name.casefold(): number for number, name in enumerate(known, 1)}
        alternatives = "|".join(re.escape(name) for name in known)
        self._names = re.compile(rf"(?i)(?<![^\W_])(?:{alternatives})(?![^\W_])") if known else None
        self._home = home if len(home) > 1 else ""
        self._windows: set[str] = set()
        self._lengths = {_TELLING_WORDS, _WINDOW_WORDS}
        for sentence in said:
            self._remember(sentence)

    def text(self, text: str) -> str:
        """Return a text, cleaned line by line."""
        return "\n".join(self.line(line) for line in text.split("\n"))

    def line(self, line: str) -> str:
        """Return one line, cleaned."""
        for secret in self._secrets:
            line = line.replace(secret, SECRET)
        line = _TOKENS.sub(SECRET, without_userinfo(line))
        line = _ASSIGNED.sub(lambda found: f"{found[1]}{SECRET}", line)
        if any(window in self._windows for window in self._windows_of(line)):
            return SAID
        if self._home:
            line = line.replace(self._home, "~")
        if self._names is not None:
            line = self._names.sub(lambda found: f"(name {self._numbers[found[0].casefold()]})", line)
        return _ADDRESS.sub(_private_address, line)

    def tree(self, value: Any) -> Any:
        """Return a tree of JSON values with every text in it cleaned, keys included."""
        if isinstance(value, dict):
            return {self.text(str(key)): self.tree(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.tree(item) for item in value]
        return self.text(value) if isinstance(value, str) else value

    def _remember(self, sentence: str) -> None:
        words = _words(sentence)
        if 2 <= len(words) < _WINDOW_WORDS:
            self._lengths.add(len(words))
            self._windows.add(" ".join(words))
        self._windows.update(_of_words(words, _WINDOW_WORDS))
        self._windows.update(filter(_is_telling, _of_words(words, _TELLING_WORDS)))
        for run in _IDEOGRAPHS.findall(sentence):
            self._windows.update(_of_signs(run))

    def _windows_of(self, line: str) -> Iterator[str]:
        if not self._windows:
            return
        words = _words(line)
        for length in self._lengths:
            yield from _of_words(words, length)
        for run in _IDEOGRAPHS.findall(line):
            yield from _of_signs(run)


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _of_words(words: list[str], length: int) -> Iterator[str]:
    return (" ".join(words[at : at + length]) for at in range(len(words) - length + 1))


def _is_telling(window: str) -> bool:
    return any(len(word) >= _LONG_WORD_CHARS for word in window.split())


def _of_signs(run: str) -> Iterator[str]:
    if len(run) < _WINDOW_SIGNS:
        if len(run) > 1:
            yield run
        return
    yield from (run[at : at + _WINDOW_SIGNS] for at in range(len(run) - _WINDOW_SIGNS + 1))


def _private_address(found: re.Match[str]) -> str:
    try:
        return "(public address)" if ip_address(found[0]).is_global else found[0]
    except ValueError:
        return found[0]
