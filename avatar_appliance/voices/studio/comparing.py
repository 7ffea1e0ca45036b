"""What was heard against what was said, written the way the house writes."""

from __future__ import annotations

from typing import Any

# Beyond this, the words given may be those of more than was heard.
_LONGER = 1.3


def compare(heard: str, expected: str | None, language: str) -> dict[str, Any]:
    """Return `heard` in the script of `language`, and the errors in it against `expected`, if that has words.

    Where `expected` says much more, `part` is the piece of it that was heard, if any, with the errors in that.
    """
    answer: dict[str, Any] = {"heard": _written(heard, language)}
    if expected is None or (errors := _errors(expected, heard, language)) is None:
        return answer
    answer["error_share"] = errors
    part = _part(expected, answer["heard"])
    if part is not None and (of_part := _errors(part, heard, language)) is not None and of_part < errors:
        answer |= {"part": part, "part_error_share": of_part}
    return answer


def _errors(expected: str, heard: str, language: str) -> float | None:
    from avatar_appliance.transcripts.word_errors import count_errors

    try:
        count = count_errors(expected, heard, language)
    except ValueError:  # nothing but punctuation
        return None
    return count.errors / count.length


def _part(expected: str, heard: str) -> str | None:
    """Return the piece of `expected` that is most like `heard`, in whole words."""
    if len(expected) < _LONGER * len(heard) or not heard.strip():
        return None
    from rapidfuzz.fuzz import partial_ratio_alignment

    lower = expected.lower()
    if len(lower) != len(expected):  # letters that change their length: positions would not fit
        return None
    found = partial_ratio_alignment(heard.lower(), lower)
    if found is None:
        return None
    start, end = found.dest_start, found.dest_end
    while start > 0 and expected[start - 1].isascii() and expected[start - 1].isalnum():
        start -= 1
    while end < len(expected) and expected[end].isascii() and not expected[end].isspace():
        end += 1
    return expected[start:end].strip() or None


def _written(text: str, language: str) -> str:
    """Whisper mixes scripts: in a house that writes Traditional Chinese, everything is."""
    tag = language.replace("_", "-").lower()
    if tag.startswith("zh") and any(part in ("tw", "hk", "mo", "hant") for part in tag.split("-")):
        from opencc import OpenCC

        return str(OpenCC("s2twp" if "tw" in tag else "s2t").convert(text))
    return text
