"""The score of a brain: as data and as a table."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from house_harness.fast_answers import Examined
from house_harness.questions import LANGUAGES


def report(name: str, command: str, examined: Sequence[Examined], quick: Mapping[int, bool]) -> dict[str, Any]:
    """Return everything; `quick` says by `id(wish)` whether the fast path takes a wish."""
    by_language: dict[str, list[Examined]] = {
        "all": list(examined),
        **{language: [one for one in examined if one.wish.language == language] for language in LANGUAGES},
    }
    kinds = list(dict.fromkeys(one.wish.kind for one in examined))
    fast = [one for one in examined if quick[id(one.wish)]]
    slow = [one for one in examined if not quick[id(one.wish)]]
    return {
        "name": name,
        "command": command,
        "machine": {
            "python": platform.python_version(),
            "processor": _processor(),
            "cores": os.cpu_count(),
            "load_1_min": round(os.getloadavg()[0], 1),
        },
        "total": {language: _score(ones) for language, ones in by_language.items()},
        "answered_by": {"fast_path": _score(fast), "model": _score(slow)},
        "kinds": {
            kind: {lang: _score([one for one in ones if one.wish.kind == kind]) for lang, ones in by_language.items()}
            for kind in kinds
        },
        "not_passed": [_row(one, quick[id(one.wish)]) for one in examined if not one.verdict.passed],
    }


def as_markdown(found: Mapping[str, Any]) -> str:
    """Return the tables for people."""
    machine = found["machine"]
    head = ("passed", "tool call", "end state", "**wrong action**", "asked back", "answer", "language", "left")
    lines = [
        f"# The brain: {found['name']}",
        "",
        f"    {found['command']}",
        "",
        f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}, load {machine['load_1_min']}",
        "",
        f"| | {' | '.join(head)} | first words p50 / p95 |",
        f"|---|{'---|' * len(head)}---|",
        *(_line(language, score) for language, score in found["total"].items()),
        *(_line(f"by the {who.replace('_', ' ')}", score) for who, score in found["answered_by"].items()),
        "",
        "Passed of each kind (and how many wrong actions):",
        "",
        f"| kind | {' | '.join(LANGUAGES)} |",
        f"|---|{'---|' * len(LANGUAGES)}",
        *(
            f"| {kind} | {' | '.join(_passed(scores[language]) for language in LANGUAGES)} |"
            for kind, scores in found["kinds"].items()
        ),
        "",
    ]
    return "\n".join(lines)


def _score(ones: Sequence[Examined]) -> dict[str, Any]:
    verdicts = [one.verdict for one in ones]
    taken = [verdict for verdict in verdicts if not verdict.left]

    def share(values: Iterable[bool | None]) -> list[int]:
        known = [value for value in values if value is not None]
        return [sum(known), len(known)]

    answered = [one for one in ones if not one.verdict.left]
    return {
        "passed": [sum(verdict.passed for verdict in verdicts), len(verdicts)],
        "call_right": share(verdict.call_right for verdict in verdicts),
        "state_right": share(verdict.state_right for verdict in taken),
        "wrong_action": sum(bool(verdict.wrong_action) for verdict in verdicts),
        "asked_back": share(verdict.asked_back for verdict in verdicts),
        "answer_right": share(verdict.answer_right for verdict in verdicts),
        "language_right": share(verdict.language_right for verdict in verdicts),
        "left": sum(verdict.left for verdict in verdicts),
        "first_words_s": _spread([one.first_s for one in answered]),
        "whole_answer_s": _spread([one.seconds for one in answered]),
    }


def _spread(seconds: Sequence[float]) -> dict[str, float] | None:
    if len(seconds) < 2:
        return None
    return {
        "p50": round(median(seconds), 3),
        "p95": round(quantiles(seconds, n=20)[18], 3),
        "max": round(max(seconds), 3),
    }


def _line(name: str, score: Mapping[str, Any]) -> str:
    of: Callable[[str], str] = lambda key: "{} of {}".format(*score[key])  # noqa: E731
    first = score["first_words_s"]
    cells = [
        of("passed"), of("call_right"), of("state_right"), f"**{score['wrong_action']}**", of("asked_back"),
        of("answer_right"), of("language_right"), str(score["left"]),
        f"{first['p50']:.2f} / {first['p95']:.2f} s" if first else "-",
    ]  # fmt: skip
    return f"| {name} | {' | '.join(cells)} |"


def _passed(score: Mapping[str, Any]) -> str:
    wrong = f" (**{score['wrong_action']} wrong**)" if score["wrong_action"] else ""
    return "{} of {}".format(*score["passed"]) + wrong


def _row(one: Examined, quick: bool) -> dict[str, Any]:
    verdict = one.verdict
    parts = {
        "call": verdict.call_right, "state": verdict.state_right, "asked_back": verdict.asked_back,
        "answer": verdict.answer_right, "language": verdict.language_right,
    }  # fmt: skip
    return {
        "kind": one.wish.kind,
        "text": one.wish.text,
        "by": "fast path" if quick else "nobody" if verdict.left else "model",
        "wrong": [] if verdict.left else [name for name, right in parts.items() if right is False],
        "wrong_action": list(verdict.wrong_action),
        "answer": one.answer,
    }


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")), "")
