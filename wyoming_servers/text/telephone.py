"""How telephone numbers are written, in Taiwan and elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from wyoming_servers.text.number_rewriting import RewriteRule

_PATTERNS: Final = (
    r"\+\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,5}(?![\d%°])",
    r"[(（]\d{2,4}[)）]\s?\d{3,4}[ -]?\d{3,4}(?!\d)",
    r"(?:1[-.])?\d{3}([-.])\d{3}\1\d{4}(?!\d)",
    r"0\d{1,3}([- ])\d{3,4}(?:\1\d{3,4})?(?!\d)",
    r"0\d{1,3}-\d{6,8}(?!\d)",
    r"0\d{8,10}(?!\d)",
    r"\d{3}-\d{4}(?![\d-])",
)
_MIN_DIGITS: Final = 7
_MAX_DIGITS: Final = 15


def telephone_rules(digits: Callable[[str], str], *, plus: str, pause: str) -> list[RewriteRule]:
    """Return rules that say a number group by group with `pause` between them; `digits` says one group."""

    def groups(match: re.Match[str]) -> str | None:
        found = re.findall(r"\d+", match[0])
        if not _MIN_DIGITS <= sum(map(len, found)) <= _MAX_DIGITS:
            return None
        return (plus if match[0].startswith("+") else "") + pause.join(map(digits, found))

    return [RewriteRule(re.compile(pattern), groups) for pattern in _PATTERNS]
