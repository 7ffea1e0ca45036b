"""Where sentences and clauses end: decisions about one punctuation mark and its surroundings."""

from __future__ import annotations

from enum import Enum
from typing import Final

from wyoming_servers.text.scripts import is_cjk
from wyoming_servers.text.word_set import word_set


class Undecided(Enum):
    """Why a mark is not (yet) an end."""

    NO_END = "no-end"
    NEEDS_MORE = "needs-more"


Verdict = int | Undecided
"""Where to cut, or why not to."""

WIDE_ENDS: Final = frozenset("。！？；｡")
_NARROW_ENDS: Final = frozenset(".!?…")
SENTENCE_MARKS: Final = WIDE_ENDS | _NARROW_ENDS
CLAUSE_MARKS: Final = frozenset(",;:-–—，、：")
_WIDE_CLAUSE_MARKS: Final = frozenset("，、：—")
_CLOSING: Final = "\"'”’)]}»」』）】》〉〕"
_CLOSERS: Final = frozenset(_CLOSING)
_WIDE_OPENERS: Final = frozenset("「『（【《〈〔")
_MAX_RUN: Final = 16
"""At most so many marks and closers are taken as one end: keeps every decision bounded."""
_MAX_WORD: Final = 14

_NEVER_LAST: Final = word_set(
    "mr. mrs. ms. mx. dr. prof. sen. rep. gov. gen. col. maj. capt. lt. sgt. rev. fr. hon. pres. supt. messrs. mme. "
    "mlle. e.g. eg. i.e. ie. vs. cf. viz. approx. ca. al. resp. incl. excl. esp. aka. a.k.a. w.r.t."
)
_BEFORE_NUMBER: Final = word_set("no. nos. nr. fig. figs. vol. vols. p. pp. ch. sec. art. eq. ver. rev. ext. rm.")
_PERHAPS_LAST: Final = word_set(
    "a.m. p.m. etc. inc. ltd. co. corp. bros. llc. jr. sr. st. ave. blvd. rd. ln. dept. univ. assn. est. min. mins. "
    "max. avg. temp. hr. hrs. secs. ft. lb. lbs. oz. jan. feb. apr. aug. sep. sept. oct. nov. dec. mon. tue. tues. "
    "thu. thur. thurs. fri. ph.d. m.d. b.a. m.a. b.sc. m.sc. d.d.s. esq. apt. bldg. mt. ft. intl. govt. misc."
)
_STARTERS: Final = word_set(
    "the this that these those there it its he she they we you i in on at by for from to with as but and or so then "
    "if when while after before once please what where who why how is are was were do does did can could will would "
    "my your his her our their no yes not all some any each every here now also however meanwhile otherwise"
)


def sentence_end(text: str, start: int, at: int, *, is_all: bool) -> Verdict:
    """Say where the sentence ends whose mark is `text[at]`; the piece began at `start`, `is_all`: nothing follows."""
    end = _end_of_run(text, at)
    if end == len(text) and not is_all:
        return Undecided.NEEDS_MORE
    marks = text[at:end]
    if end == len(text) or not WIDE_ENDS.isdisjoint(marks):
        return end
    after = text[end]
    if not after.isspace():
        starts_chinese = is_cjk(after) or after in _WIDE_OPENERS
        return end if starts_chinese and _may_touch(text, start, at) else Undecided.NO_END
    if after == "\n":
        return end
    rest_starts = end + 1
    bare = marks.rstrip(_CLOSING)
    trails_off = bare.startswith(("..", "…")) or (at > start and text[at - 1] in _NARROW_ENDS)
    if bare == "." and _may_be_abbreviation(text, start, at):
        return _after_abbreviation(text, start, at, end, is_all=is_all)
    if bare != marks or trails_off:
        # `"Really?" he asked` and `Well... maybe` go on; only a new sentence starts in upper case
        if rest_starts == len(text):
            return end if is_all else Undecided.NEEDS_MORE
        return Undecided.NO_END if text[rest_starts].islower() else end
    return end


def clause_end(text: str, start: int, at: int, *, is_all: bool) -> Verdict:
    """Say where the clause ends whose mark is `text[at]`; arguments as for `sentence_end`."""
    mark = text[at]
    if mark == "—":
        end = at + 1
        while end < len(text) and text[end] == "—" and end - at < _MAX_RUN:
            end += 1
    else:
        end = at + 1
        while end < len(text) and text[end] in _CLOSERS and end - at < _MAX_RUN:
            end += 1
    if end == len(text):
        return end if is_all else Undecided.NEEDS_MORE
    after = text[end]
    if _is_between_digits(text, at, end) or after in SENTENCE_MARKS:
        return Undecided.NO_END
    if mark in _WIDE_CLAUSE_MARKS:
        return end
    if mark in ("-", "–"):
        stands_alone = at > start and text[at - 1].isspace() and after.isspace()
        if not stands_alone or (at - 2 >= start and text[at - 2].isdigit()):  # "5 - 3" is no pause
            return Undecided.NO_END
        return end
    return end if after.isspace() or is_cjk(after) else Undecided.NO_END


def _end_of_run(text: str, at: int) -> int:
    end = at + 1
    while end < len(text) and text[end] in SENTENCE_MARKS and end - at < _MAX_RUN:
        end += 1
    while end < len(text) and text[end] in _CLOSERS and end - at < _MAX_RUN * 2:
        end += 1
    return end


def _is_between_digits(text: str, at: int, end: int) -> bool:
    return at > 0 and end < len(text) and text[at - 1].isdigit() and text[end].isdigit()


def _may_touch(text: str, start: int, at: int) -> bool:
    """Say whether a sentence may end at `at` without a space behind it: not in "3.5倍", but in "OK.好"."""
    return text[at] != "." or (at > start and not text[at - 1].isdigit())


def _word_before(text: str, start: int, at: int) -> str:
    """Return the word that ends with the full stop at `at`, dots inside included, in lower case."""
    first = at
    while first > start and at - first < _MAX_WORD and (text[first - 1].isalpha() or text[first - 1] == "."):
        first -= 1
    return text[first : at + 1].lower()


def _may_be_abbreviation(text: str, start: int, at: int) -> bool:
    word = _word_before(text, start, at)
    if word in _NEVER_LAST or word in _BEFORE_NUMBER or word in _PERHAPS_LAST:
        return True
    if _is_initial(text, start, at) or ("." in word[:-1] and all(len(part) == 1 for part in word[:-1].split("."))):
        return True
    return _is_list_number(text, start, at)


def _is_initial(text: str, start: int, at: int) -> bool:
    if at - 1 < start or not text[at - 1].isupper() or is_cjk(text[at - 1]):
        return False
    before = text[max(start, at - 3) : at - 1]
    if before.endswith("°") or before.strip()[-1:].isdigit():  # 21 °C, 5 A
        return False
    return not (before[-1:].isalnum() or before[-1:] == "'")


def _is_list_number(text: str, start: int, at: int) -> bool:
    return at - start in (1, 2, 3) and text[start:at].isdigit()


def _after_abbreviation(text: str, start: int, at: int, end: int, *, is_all: bool) -> Verdict:
    word = _word_before(text, start, at)
    if word in _NEVER_LAST or _is_list_number(text, start, at):
        return Undecided.NO_END
    rest = end + 1
    if rest == len(text):
        return end if is_all else Undecided.NEEDS_MORE
    if word in _BEFORE_NUMBER:
        return Undecided.NO_END if text[rest].isdigit() or text[rest] == "#" else end
    if is_cjk(text[rest]):
        return end
    if not text[rest].isupper():
        return Undecided.NO_END
    last = rest
    while last < len(text) and text[last].isalpha() and last - rest < _MAX_WORD:
        last += 1
    if last == len(text) and not is_all:
        return Undecided.NEEDS_MORE
    return end if text[rest:last].lower() in _STARTERS else Undecided.NO_END
