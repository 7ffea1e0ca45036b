"""A household's day on a 24 GiB card, with a game, a transcoder, training and crashes: what may never happen.

The limits are meant: a start of the language model takes a minute and a half, so a worker that starts more often than
every ten minutes is of little use; a crash loop costs five tries and then ever longer rests (1, 2, 4, 8, 10, ...
minutes); and the slowest way to give memory back is the first sleep of vLLM, 8.6 s as measured.
"""

from __future__ import annotations

import itertools
import json
import re
from xml.etree import ElementTree

import pytest

from avatar_appliance.simulation.day import CRASH_LOOP_H, HOUR_S, RESTART_AT_H, DayRecord, SimulatedDay
from avatar_appliance.simulation.day_picture import day_picture
from avatar_appliance.simulation.day_report import day_report
from avatar_appliance.simulation.household import GIB, household_specs

MOST_STARTS_IN_AN_HOUR = 6
MOST_STARTS_IN_A_CRASH_LOOP = 12
LONGEST_KEPT_WAITING_S = 10.0
PRELOADED = {spec.name for spec in household_specs() if spec.preload}


@pytest.fixture(scope="module")
def day() -> DayRecord:
    return SimulatedDay(tick_s=1.0).run()


def test_the_day_has_what_it_should_have(day: DayRecord) -> None:
    assert len(day.turns) > 300
    assert {turn.language for turn in day.turns} == {"en", "zh"}
    assert {visit.name for visit in day.visits} == {"game", "ffmpeg", "python"}
    burst = [turn for turn in day.turns if 19.25 * HOUR_S <= turn.at_s <= 19.25 * HOUR_S + 1]
    assert len(burst) >= 5


def test_no_turn_fails_for_lack_of_memory_nor_for_anything_else(day: DayRecord) -> None:
    assert [turn for turn in day.turns if turn.failed_for_memory] == []
    assert [turn for turn in day.turns if turn.failed is not None] == []


def test_no_worker_ever_finds_the_card_full_while_it_is_used(day: DayRecord) -> None:
    assert day.out_of_memory_in_use == 0


def test_a_degraded_turn_says_which_rung_and_why(day: DayRecord) -> None:
    degraded = [text for turn in day.turns for text in turn.degraded]
    assert degraded
    assert all(re.fullmatch(r"\S+ instead of \S+: .+", text) for text in degraded)


def test_turns_are_degraded_only_while_others_need_the_card_or_a_worker_is_broken(day: DayRecord) -> None:
    def excused(at_s: float) -> bool:
        # Half a minute for a guest to be gone for good, two for what was sent away to be back.
        visited = any(v.name != "ffmpeg" and v.at_s <= at_s <= v.until_s + 150 for v in day.visits)
        broken = CRASH_LOOP_H[0] * HOUR_S <= at_s <= CRASH_LOOP_H[1] * HOUR_S + 660
        crashed = any(mark_s <= at_s <= mark_s + 150 for mark_s, _ in day.marks)
        return visited or broken or crashed

    assert [turn for turn in day.turns if turn.degraded and not excused(turn.at_s)] == []


def test_no_worker_starts_often(day: DayRecord) -> None:
    loop = range(int(CRASH_LOOP_H[0] * HOUR_S), int((CRASH_LOOP_H[1] + 0.25) * HOUR_S))
    assert day.most_starts_in_an_hour("f5") <= MOST_STARTS_IN_A_CRASH_LOOP
    assert len([at_s for at_s in day.starts_of("f5") if int(at_s) not in loop]) <= MOST_STARTS_IN_AN_HOUR
    for worker in {name for _, name in day.starts} - {"f5"}:
        assert day.most_starts_in_an_hour(worker) <= MOST_STARTS_IN_AN_HOUR


def test_the_language_model_is_started_once_and_again_after_its_crash(day: DayRecord) -> None:
    """The game and the training put it to sleep, which costs nothing."""
    assert len(day.starts_of("llm")) == 2


def test_nobody_else_is_kept_from_their_memory_for_long(day: DayRecord) -> None:
    assert max(visit.kept_waiting_s for visit in day.visits) <= LONGEST_KEPT_WAITING_S


def test_the_house_is_over_its_budget_for_moments_only(day: DayRecord) -> None:
    over = [sum(sample.ours.values()) + sample.others > day.budget_bytes for sample in day.samples]
    assert not any(first and second for first, second in itertools.pairwise(over))


def test_what_was_sent_away_for_the_game_is_back_two_minutes_after_it(day: DayRecord) -> None:
    after = next(sample for sample in day.samples if sample.at_s >= 22 * HOUR_S + 150)
    assert {"llm", "asr", "f5"} <= after.ours.keys()
    assert after.ours["llm"] > 8 * GIB


def test_announcements_come_in_the_good_voice_but_for_the_game(day: DayRecord) -> None:
    announcements = [turn for turn in day.turns if turn.kind == "announcement"]
    game = next(visit for visit in day.visits if visit.name == "game")
    for turn in announcements:
        assert bool(turn.degraded) == (game.at_s <= turn.at_s <= game.until_s), turn


def test_a_restart_of_the_coordinator_loses_no_worker_and_starts_none_twice(day: DayRecord) -> None:
    restart_s = RESTART_AT_H * HOUR_S
    before = next(sample for sample in day.samples if sample.at_s >= restart_s - 60)
    after = next(sample for sample in day.samples if sample.at_s >= restart_s + 60)
    assert before.ours == after.ours
    assert [at_s for at_s, _ in day.starts if restart_s <= at_s <= restart_s + 60] == []


def test_answers_come_at_once_but_for_what_may_wait(day: DayRecord) -> None:
    report = day_report(day)
    assert report["lease_wait_s"]["p95"] <= 0.3
    assert report["lease_wait_s"]["most"] <= 60.0


def test_the_report_is_json_and_counts_what_the_record_holds(day: DayRecord) -> None:
    report = json.loads(json.dumps(day_report(day)))
    assert report["turns"]["failed_for_lack_of_memory"] == 0
    assert report["turns"]["degraded"] == sum(bool(turn.degraded) for turn in day.turns)
    stages = sum(stage["stages"] for stage in report["degraded_stages"])
    assert stages == sum(len(turn.degraded) for turn in day.turns)
    assert report["starts"].keys() >= PRELOADED
    assert len(report["strangers"]) == len(day.visits)


def test_the_picture_is_svg_with_a_layer_for_everybody(day: DayRecord) -> None:
    picture = ElementTree.fromstring(day_picture(day))
    namespace = "{http://www.w3.org/2000/svg}"
    layers = [title.text for title in picture.findall(f"{namespace}polygon/{namespace}title")]
    assert layers == ["others", "llm", "asr", "f5", "cosyvoice"]
    texts = {text.text for text in picture.iter(f"{namespace}text")}
    assert {"card 24 GiB", "budget 21.35 GiB", "degraded tts", "game"} <= texts


def test_the_same_seed_is_the_same_day() -> None:
    first, second = (day_report(SimulatedDay(seed=7).run(hours=1.0)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("card_gib", [8, 16])
def test_on_a_small_card_voice_goes_on_on_lower_rungs(card_gib: int) -> None:
    morning = SimulatedDay(card_bytes=card_gib * GIB, tick_s=2.0).run(hours=9.0)
    assert [turn for turn in morning.turns if turn.failed is not None] == []
    assert any(turn.degraded for turn in morning.turns)
    assert morning.out_of_memory_in_use == 0
