"""The life of an open turn: running, summed up, interrupted, closed, deleted, crowded out."""

from __future__ import annotations

import pytest

from avatar_appliance.store import AudioFile
from avatar_appliance.turns import JoinRules, StageInterrupted, StagePart, StageReport, StageStarted
from avatar_appliance.turns.open_turns import OpenTurns

from .conftest import NOW, heard, saved, spoken, thought


def test_stages_that_failed_or_were_cancelled_make_turns_too() -> None:
    table = OpenTurns(JoinRules())
    table.end(heard("t", "why", 0), NOW)
    table.end(thought("k", "why", None, 0.1, error_code="worker-failed", degraded="small (busy)"), NOW)
    (turn,) = saved(table)
    assert (turn.status, turn.error_code, turn.degraded) == ("failed", "worker-failed", "think: small (busy)")
    table.end(
        StageReport(kind="transcribe", connection_id="gone", started_at=NOW + 50, ended_at=NOW + 51, cancelled=True),
        NOW + 51,
    )
    (turn,) = saved(table)
    assert (turn.status, turn.error_code, turn.transcript) == ("cancelled", None, None)


def test_a_turn_sums_up_its_stages() -> None:
    table = OpenTurns(JoinRules())
    table.end(
        thought(
            "k",
            "打開燈",
            " 好的。",
            0.1,
            conversation_id="c",
            satellite_id="kitchen",
            device_id="d",
            parts=(StagePart(kind="act", started_at=NOW + 0.5, ended_at=NOW + 0.8),),
        ),
        NOW,
    )
    table.end(
        heard(
            "t",
            " 打開燈 ",
            0,
            language="zh-TW",
            speaker="Anna",
            parts=(StagePart(kind="listen", started_at=NOW - 2, ended_at=NOW - 1),),
        ),
        NOW,
    )
    table.end(spoken("s", "好的。", 1, voice="anna", language="zh"), NOW)
    (turn,) = saved(table)
    assert (turn.transcript, turn.answer, turn.language) == ("打開燈", "好的。", "zh-TW")
    assert (turn.conversation_id, turn.satellite_id, turn.device_id) == ("c", "kitchen", "d")
    assert (turn.speaker, turn.voice, turn.status) == ("Anna", "anna", "ok")
    assert (turn.started_at, turn.ended_at) == (NOW - 2, NOW + 2)
    assert [stage.kind for stage in turn.stages] == ["transcribe", "listen", "think", "act", "speak"]


def test_what_was_spoken_is_the_answer_of_an_announcement() -> None:
    table = OpenTurns(JoinRules())
    table.end(spoken("s", "Dinner is ready!", 0), NOW)
    (turn,) = saved(table)
    assert (turn.transcript, turn.answer) == (None, "Dinner is ready!")


def test_a_running_stage_shows_and_its_report_completes_it() -> None:
    table = OpenTurns(JoinRules())
    started = StageStarted(kind="think", connection_id="k", started_at=NOW + 0.1, text_in="why")
    table.end(heard("t", "why", 0), NOW)
    stage_id = table.start(started, NOW)
    assert table.start(started, NOW) == stage_id
    (turn,) = saved(table)
    assert (turn.status, turn.ended_at, len(turn.stages)) == ("in_progress", None, 2)
    assert table.end(thought("k", "why", "Because.", 0.1), NOW) == (stage_id, True)
    (turn,) = saved(table)
    assert (turn.status, turn.answer) == ("ok", "Because.")
    assert table.end(thought("k", "why", "Because.", 0.1), NOW) == (stage_id, False)
    assert table.unsaved() is None


def test_a_stage_whose_server_is_gone_is_interrupted_until_it_reports_after_all() -> None:
    table = OpenTurns(JoinRules())
    table.start(StageStarted(kind="think", connection_id="k", started_at=NOW + 0.1, text_in="why"), NOW)
    table.start(StageStarted(kind="think", connection_id="other", started_at=NOW + 0.1), NOW)
    saved(table)
    table.interrupt(["k"])
    (turn,) = saved(table)
    assert (turn.status, turn.error_code) == ("failed", StageInterrupted.code)
    table.expire(NOW + 299)
    assert table.unsaved() is None
    table.expire(NOW + 301)
    (turn,) = saved(table)
    assert turn.stages[0].connection_id == "other"
    assert turn.error_code == StageInterrupted.code
    table.end(thought("k", "why", "Because.", 0.1), NOW + 2)
    (turn,) = saved(table)
    assert (turn.status, turn.answer) == ("ok", "Because.")


def test_a_turn_closes_when_nothing_can_be_added_and_counts_no_more() -> None:
    table = OpenTurns(JoinRules())
    report = heard("t", "stop", 0)
    stage_id, _ = table.end(report, NOW)
    table.expire(NOW + 1000)
    assert table.turn_of(stage_id) is not None, "not before it is saved"
    saved(table)
    table.expire(NOW + 329)
    assert table.turn_of(stage_id) is not None
    table.expire(NOW + 331)
    assert table.turn_of(stage_id) is None


def test_a_stage_that_has_left_still_makes_the_others_ambiguous() -> None:
    table = OpenTurns(JoinRules(stage_limit_s=10))
    table.end(heard("t1", "stop", 0), NOW)
    second, _ = table.end(heard("t2", "stop", 20), NOW + 20)
    answer, _ = table.end(thought("k", "stop", "Done.", 25), NOW + 26)
    saved(table)
    # Said twice, answered once, 5 s and 25 s later: promptly is within 2 s, so nothing is certain.
    assert table.turn_of(second) != table.turn_of(answer)
    table.expire(NOW + 41)
    table.end(spoken("s", "Good night.", 41), NOW + 42)
    assert table.turn_of(second) != table.turn_of(answer)


@pytest.mark.parametrize("abandoned", [False, True])
def test_the_same_words_again_and_again_are_joined_while_older_stages_leave(abandoned: bool) -> None:
    """Also with one more of the same sentence among them that was never answered."""
    table = OpenTurns(JoinRules(stage_limit_s=10))
    for round_number in range(12):
        at = round_number * 15
        first, _ = table.end(heard(f"t{round_number}", "stop", at), NOW + at)
        table.expire(NOW + at + 1)  # while the transcript has no thought yet
        second, _ = table.end(thought(f"k{round_number}", "stop", "Done.", at + 0.1), NOW + at + 1)
        third, _ = table.end(spoken(f"s{round_number}", "Done.", at + 1.2), NOW + at + 2)
        assert table.turn_of(first) == table.turn_of(second) == table.turn_of(third)
        assert all(len(turn.stages) == 3 for turn in saved(table))
        if abandoned and round_number == 4:
            table.end(heard("abandoned", "stop", at + 7), NOW + at + 7)
            saved(table)


def test_a_join_survives_the_departure_of_an_unjoined_rival() -> None:
    table = OpenTurns(JoinRules(stage_limit_s=10))
    table.end(heard("t1", "stop", 0), NOW)
    table.end(heard("t2", "stop", 10), NOW + 10)
    table.end(thought("k1", "stop", "Yes.", 13), NOW + 14)
    first, _ = table.end(heard("t3", "stop", 20), NOW + 20)
    second, _ = table.end(thought("k3", "stop", "No.", 20.1), NOW + 21)
    assert table.turn_of(first) == table.turn_of(second)
    saved(table)
    table.expire(NOW + 41)
    table.end(spoken("s", "Good night.", 41), NOW + 42)
    assert table.turn_of(first) == table.turn_of(second)


@pytest.mark.parametrize("words", ["the same every time", "different: {}"])
@pytest.mark.parametrize("room", [60, 512])
def test_a_busy_house_fills_the_table_and_every_turn_is_still_joined(words: str, room: int) -> None:
    table = OpenTurns(JoinRules(max_open_stages=room, max_alike=20))
    stages_of: dict[str, int] = {}
    for number in range(80):
        at, text = number * 3.0, words.format(number)
        for report in (
            heard(f"t{number}", text, at),
            thought(f"k{number}", text, f"Answer: {text}", at + 0.1),
            spoken(f"s{number}", f"Answer: {text}", at + 1.2),
        ):
            table.expire(report.ended_at)
            table.end(report, report.ended_at)
            unsaved = table.unsaved()
            assert unsaved is not None
            table.saved(unsaved)
            stages_of |= {turn.id: len(turn.stages) for turn in unsaved.turns}
            for merged in unsaved.merged:
                del stages_of[merged]
    assert list(stages_of.values()) == [3] * 80


def test_memory_is_bounded_even_if_nothing_can_be_stored() -> None:
    table = OpenTurns(JoinRules(max_open_stages=10))
    stage_ids = []
    for number in range(100):
        table.expire(NOW + number)
        stage_ids.append(table.end(heard(f"t{number}", f"text {number}", number), NOW + number)[0])
    assert sum(table.turn_of(stage_id) is not None for stage_id in stage_ids) == 20
    assert table.turn_of(stage_ids[-1]) is not None


def test_what_was_deleted_from_the_store_is_forgotten_and_what_came_later_is_kept() -> None:
    table = OpenTurns(JoinRules())
    recording = AudioFile("x", 1)
    first, _ = table.end(heard("t", "why", 0), NOW)
    table.attach(first, recording)
    (turn,) = saved(table)
    second, _ = table.end(thought("k", "why", "Because.", 0.1), NOW)
    assert table.turn_of(second) == turn.id
    assert table.deleted({turn.id}) == [recording]
    assert table.turn_of(first) is None
    assert table.turn_of(second) not in (None, turn.id)
    (rest,) = saved(table)
    assert [stage.connection_id for stage in rest.stages] == ["k"]


def test_the_partner_of_a_deleted_stage_does_not_go_to_somebody_else() -> None:
    table = OpenTurns(JoinRules())
    table.end(heard("t1", "why", 0), NOW)
    (turn,) = saved(table)
    answer, _ = table.end(thought("k", "why", "Because.", 0.1), NOW)
    table.deleted({turn.id})
    late, _ = table.end(heard("t2", "why", 0.05), NOW)
    assert table.turn_of(late) != table.turn_of(answer)
