"""The promise of the joiner, over random households: never a wrong join, and always a join where words are unique.

The household: satellites speak, people type, announcements are made, answers come from Home Assistant's cache, its own
agent answers without us; sentences repeat. One thing nothing on the wire could tell apart is left out: a spoken
sentence that never reached us beside a typed one with the same words (and likewise an answer never spoken beside an
announcement with the same words); each sentence is used for one of the two only.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from avatar_appliance.turns import JoinRules, StageReport, StageStarted
from avatar_appliance.turns.clues import text_key
from avatar_appliance.turns.open_turns import OpenTurns

RULES = JoinRules()
TYPED_TOO = ["turn on the light", "打開客廳的燈", "what time is it"]
ABANDONED_TOO = ["stop", "好", "turn it  off"]
CACHED_TOO = ["Done.", "Done. The light is on.", "好的，客廳的燈打開了。"]
ANNOUNCED_TOO = ["It is five o'clock.", "晚安。", "Dinner is ready!"]


@dataclass
class Exchange:
    """What really happened: the reports of one turn."""

    heard: StageReport | None = None
    thought: StageReport | None = None
    spoken: StageReport | None = None
    reports: list[StageReport] = field(default_factory=list)


@st.composite
def exchanges(draw: st.DrawFn, number: int, span_s: float, streamed: bool) -> Exchange:
    how = draw(
        st.sampled_from(["spoken", "spoken", "cached", "typed", "typed-cached", "announced", "abandoned", "local"])
    )
    sentence = draw(
        st.sampled_from(
            TYPED_TOO
            if how.startswith("typed")
            else ABANDONED_TOO
            if how in ("abandoned", "local")
            else TYPED_TOO + ABANDONED_TOO
        )
    )
    answer = draw(
        st.sampled_from(
            CACHED_TOO
            if how.endswith("cached")
            else ANNOUNCED_TOO
            if how in ("announced", "local")
            else CACHED_TOO + ANNOUNCED_TOO
        )
    )
    satellite = draw(st.sampled_from([None, "kitchen", "bath"]))
    promptly = st.floats(0, RULES.prompt_s)
    exchange = Exchange()
    now = 1000 + draw(st.floats(0, span_s))
    if how in ("spoken", "cached", "abandoned", "local"):
        end = now + draw(st.floats(0.1, 4))
        exchange.heard = StageReport(
            kind="transcribe",
            connection_id=f"asr-{number}",
            started_at=now,
            # The stage may be closed a little after its transcript has left.
            ended_at=end + draw(st.floats(0, RULES.overlap_s / 2)),
            text_out=draw(st.sampled_from(["", " "])) + sentence,
            satellite_id=draw(st.sampled_from([None, satellite])),
        )
        now = end + draw(promptly)
    if how not in ("announced", "abandoned", "local"):
        end = now + draw(st.floats(0.05, 35))
        exchange.thought = StageReport(
            kind="think",
            connection_id=f"llm-{number}",
            started_at=now,
            ended_at=end,
            text_in=sentence.strip(),
            text_out=answer,
            satellite_id=satellite,
            conversation_id=draw(st.sampled_from([None, f"conversation-{number}"])),
        )
        if streamed and draw(st.booleans()):
            now += draw(st.floats(0, 1)) * (end - now)
        else:
            now = end + draw(promptly)
    if not how.endswith("cached") and how != "abandoned":
        exchange.spoken = StageReport(
            kind="speak",
            connection_id=f"tts-{number}",
            started_at=now,
            ended_at=now + draw(st.floats(0.1, 5)),
            text_in=answer.replace(" ", draw(st.sampled_from([" ", "  ", "\n"]))),
        )
    exchange.reports = [r for r in (exchange.heard, exchange.thought, exchange.spoken) if r is not None]
    return exchange


@st.composite
def households(draw: st.DrawFn, span_s: float = 60.0, most: int = 9, streamed: bool = True) -> list[Exchange]:
    return [draw(exchanges(number, span_s, streamed)) for number in range(draw(st.integers(1, most)))]


def name(report: StageReport) -> tuple[str, int]:
    return report.kind, int(report.connection_id.split("-")[1])


def joined_turns(table: OpenTurns, stage_ids: dict[tuple[str, int], str]) -> set[frozenset[tuple[str, int]]]:
    turns: dict[str | None, set[tuple[str, int]]] = {}
    for stage, stage_id in stage_ids.items():
        turns.setdefault(table.turn_of(stage_id), set()).add(stage)
    return {frozenset(stages) for stages in turns.values()}


def take_all(reports: list[StageReport], now: float = 1100.0) -> set[frozenset[tuple[str, int]]]:
    table = OpenTurns(RULES)
    return joined_turns(table, {name(report): table.end(report, now)[0] for report in reports})


def check_never_wrong(turns: set[frozenset[tuple[str, int]]]) -> None:
    for stages in turns:
        assert len({number for _, number in stages}) == 1, "stages of different exchanges in one turn"
        assert len({kind for kind, _ in stages}) == len(stages)


@settings(max_examples=120)
@given(households(), st.randoms(use_true_random=False))
def test_never_a_wrong_join_whatever_the_order_of_reports(home: list[Exchange], random: Any) -> None:
    reports = [report for exchange in home for report in exchange.reports]
    in_order = take_all(sorted(reports, key=lambda report: report.ended_at))
    check_never_wrong(in_order)
    random.shuffle(reports)
    assert take_all(reports) == in_order


@settings(max_examples=120)
@given(households(), st.randoms(use_true_random=False))
def test_what_cannot_be_mistaken_is_always_joined(home: list[Exchange], random: Any) -> None:
    reports = [report for exchange in home for report in exchange.reports]
    random.shuffle(reports)
    turns = take_all(reports)
    heard = Counter(text_key(e.heard.text_out) for e in home if e.heard)
    asked = Counter(text_key(e.thought.text_in) for e in home if e.thought)
    answered = [text_key(e.thought.text_out) for e in home if e.thought]
    spoken = [text_key(e.spoken.text_in) for e in home if e.spoken]
    for number, exchange in enumerate(home):
        if exchange.heard and exchange.thought:
            key = text_key(exchange.thought.text_in)
            if heard[key] == asked[key] == 1:
                assert any({("transcribe", number), ("think", number)} <= stages for stages in turns)
        if exchange.thought and exchange.spoken:
            key = text_key(exchange.thought.text_out)
            alone = sum(key in other or other in key for other in answered) == 1
            if alone and sum(key in other or other in key for other in spoken) == 1:
                assert any({("think", number), ("speak", number)} <= stages for stages in turns)


@settings(max_examples=60)
@given(households(span_s=60.0, most=5))
def test_one_after_the_other_the_same_words_are_joined_too(home: list[Exchange]) -> None:
    """Somebody repeats a sentence: each exchange starts when the one before is over, and all are whole."""
    now = 1000.0
    reports: list[StageReport] = []
    for exchange in home:
        if not (exchange.heard and exchange.thought and exchange.spoken):
            continue
        shift = now + 3 - exchange.reports[0].started_at
        moved = [
            replace(
                report,
                started_at=report.started_at + shift,
                ended_at=report.ended_at + shift,
                satellite_id=None,
            )
            for report in exchange.reports
        ]
        reports += moved
        now = max(report.ended_at for report in moved)
    turns = take_all(reports, now)
    assert all(len(stages) == 3 for stages in turns)


def check_what_is_stored(arrivals: list[tuple[float, StageReport | StageStarted]], rules: JoinRules) -> None:
    """Let reports arrive in order and check the turns as the store would have them at the end."""
    table = OpenTurns(rules)
    stored: dict[str, set[int]] = {}
    for at, arrival in sorted(arrivals, key=lambda item: item[0]):
        table.expire(at)
        if isinstance(arrival, StageStarted):
            table.start(arrival, at)
        else:
            table.end(arrival, at)
        unsaved = table.unsaved()
        if unsaved is None:
            continue
        table.saved(unsaved)
        for turn in unsaved.turns:
            stored[turn.id] = {int(stage.connection_id.split("-")[1]) for stage in turn.stages}
        for merged in unsaved.merged:
            del stored[merged]
    assert all(len(numbers) == 1 for numbers in stored.values())


def begun(report: StageReport) -> StageStarted:
    return StageStarted(
        kind=report.kind,
        connection_id=report.connection_id,
        started_at=report.started_at,
        text_in=report.text_in,
        satellite_id=report.satellite_id,
        conversation_id=report.conversation_id,
    )


@settings(max_examples=60, deadline=None)
@given(households(span_s=400.0, most=14), st.integers(0, 3))
def test_old_stages_that_leave_never_cause_a_wrong_join(home: list[Exchange], lag_s: int) -> None:
    arrivals: list[tuple[float, StageReport | StageStarted]] = []
    for exchange in home:
        for report in exchange.reports:
            arrivals.append((report.ended_at + lag_s, report))
            if report.kind == "think":
                arrivals.append((report.started_at, begun(report)))
    check_what_is_stored(arrivals, JoinRules(stage_limit_s=45.0))


@settings(max_examples=60, deadline=None)
@given(households(span_s=60.0, most=14, streamed=False))
def test_lack_of_room_never_causes_a_wrong_join(home: list[Exchange]) -> None:
    """Only so many stages are open; each report arrives before the next stage begins."""
    arrivals: list[tuple[float, StageReport | StageStarted]] = []
    for exchange in home:
        for number, report in enumerate(exchange.reports):
            following = exchange.reports[number + 1 : number + 2]
            arrivals.append((report.started_at, begun(report)))
            arrivals.append((min([report.ended_at, *(later.started_at for later in following)]), report))
    check_what_is_stored(arrivals, JoinRules(max_open_stages=6, max_alike=4))
