"""Our end of speech, on a simulated clock and a scripted detector."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from wyoming_servers.asr.endpointing import Endpointer, Verdict
from wyoming_servers.asr.speech_detector import FRAME_BYTES, FRAME_S, SpeechDetector

FRAME = bytes(FRAME_BYTES)


class ScriptedDetector(SpeechDetector):
    """Hears speech where the script has "#", one sign per frame."""

    def __init__(self, script: str) -> None:
        super().__init__()
        signs = iter(script)
        self._detector = lambda _frame: 0.9 if next(signs, ".") == "#" else 0.1  # type: ignore[assignment]


def seconds(sign: str, duration_s: float) -> str:
    return sign * round(duration_s / FRAME_S)


def verdicts(
    script: str,
    *,
    sensitivity: str = "default",
    pace: float = 1.0,
    more_waiting: Iterable[bool] = (),
    bunch: int = 1,
) -> Iterator[tuple[float, Verdict, Endpointer]]:
    """Yield when each verdict but LISTEN came, in seconds of audio; `pace` 2 sends twice as fast as spoken."""
    detector = ScriptedDetector(script)
    endpointer = Endpointer(detector, sensitivity, 100.0)
    waiting = iter(more_waiting)
    for start in range(0, len(script), bunch):
        frames = min(bunch, len(script) - start)
        heard_s = (start + frames) * FRAME_S
        detector._began_s = -1e9  # the real clock gives the detector all the time it wants
        verdict = endpointer.feed(FRAME * frames, 100.0 + heard_s / pace, more_waiting=next(waiting, False))
        if verdict is not Verdict.LISTEN:
            yield heard_s, verdict, endpointer
        if verdict is Verdict.END:
            return


def kinds(found: Iterable[tuple[float, Verdict, Endpointer]]) -> list[Verdict]:
    return [verdict for _, verdict, _ in found]


@pytest.mark.parametrize(
    ("sensitivity", "silence_s"),
    [("default", 0.7), ("relaxed", 1.25), ("aggressive", 0.25), ("lazy", 0.7), ("", 0.7)],
)
def test_speech_ends_after_the_silence_of_its_sensitivity(sensitivity: str, silence_s: float) -> None:
    script = seconds(".", 0.5) + seconds("#", 1.5) + seconds(".", 4)
    *_, (ended_at_s, verdict, endpointer) = verdicts(script, sensitivity=sensitivity)
    assert verdict is Verdict.END
    assert endpointer.reason == "silence"
    assert ended_at_s == pytest.approx(2.0 + silence_s, abs=2 * FRAME_S)


def test_transcribing_starts_on_trial_in_a_short_pause_before_the_end() -> None:
    script = seconds("#", 1) + seconds(".", 4)
    (tried_at_s, first, _), (_, second, _) = verdicts(script)
    assert (first, second) == (Verdict.TRY, Verdict.END)
    assert tried_at_s == pytest.approx(1.3, abs=2 * FRAME_S)


def test_speech_after_a_short_pause_resumes_and_may_be_tried_again() -> None:
    pause = seconds(".", 0.5)
    script = seconds("#", 1) + pause + seconds("#", 1) + pause + seconds("#", 1) + seconds(".", 2)
    assert kinds(verdicts(script)) == [
        Verdict.TRY, Verdict.RESUME, Verdict.TRY, Verdict.RESUME, Verdict.TRY, Verdict.END,
    ]  # fmt: skip


def test_pauses_shorter_than_a_trial_are_nothing() -> None:
    assert kinds(verdicts((seconds("#", 0.5) + seconds(".", 0.2)) * 10)) == []


def test_an_aggressive_end_needs_no_trial() -> None:
    assert kinds(verdicts(seconds("#", 1) + seconds(".", 1), sensitivity="aggressive")) == [Verdict.END]


def test_nobody_speaking_ends_after_eight_seconds() -> None:
    *_, (ended_at_s, verdict, endpointer) = verdicts(seconds(".", 20))
    assert (verdict, endpointer.reason) == (Verdict.END, "no-speech")
    assert ended_at_s == pytest.approx(8.0, abs=0.2)


def test_a_click_is_no_speech() -> None:
    *_, (_, verdict, endpointer) = verdicts(seconds(".", 1) + "#" + seconds(".", 12))
    assert (verdict, endpointer.reason) == (Verdict.END, "no-speech")


def test_speech_without_end_is_cut_after_thirty_seconds() -> None:
    ((ended_at_s, verdict, endpointer),) = verdicts(seconds("#", 60))
    assert (verdict, endpointer.reason) == (Verdict.END, "too-long")
    assert ended_at_s == pytest.approx(30.0, abs=0.1)


RECORDING = seconds("#", 1) + seconds(".", 3) + seconds("#", 1) + seconds(".", 3)


@pytest.mark.parametrize("pace", [4, 20, 1000])
def test_a_recording_that_comes_faster_than_spoken_is_never_cut(pace: float) -> None:
    assert Verdict.END not in kinds(verdicts(RECORDING, pace=pace))


def test_a_slightly_fast_live_stream_is_still_live() -> None:
    assert kinds(verdicts(RECORDING, pace=1.05))[-1] is Verdict.END


def test_while_more_is_waiting_no_pause_counts() -> None:
    """The process was held up; what waits may be speech."""
    script = seconds("#", 1) + seconds(".", 1)
    frames = len(script)
    assert kinds(verdicts(script, more_waiting=[True] * frames)) == []
    assert kinds(verdicts(script, more_waiting=[True] * (frames - 1))) == [Verdict.END]


def test_bunched_packets_end_the_utterance_all_the_same() -> None:
    script = seconds("#", 1) + seconds(".", 3)
    *_, (ended_at_s, verdict, _) = verdicts(script, bunch=15)
    assert verdict is Verdict.END
    assert ended_at_s < 1 + 0.7 + 3 * 15 * FRAME_S


def test_what_the_detector_has_not_looked_at_may_be_speech() -> None:
    silent = round(0.8 / FRAME_S)
    detector = ScriptedDetector(seconds("#", 1) + "." * silent + seconds("#", 1))
    endpointer = Endpointer(detector, "default", 0.0)
    detector._began_s = -1e9
    assert endpointer.feed(FRAME * 31, 10.0) is Verdict.LISTEN
    assert endpointer.feed(FRAME * silent, 10.1) is Verdict.LISTEN  # a pause of the recording, not of the clock
    detector._began_s = float("inf")  # it has used up its share of the time
    assert endpointer.feed(FRAME * 31, 15.0) is Verdict.LISTEN
    assert detector.behind
    detector._began_s = -1e9
    assert endpointer.feed(b"", 15.0) is Verdict.LISTEN  # and it was speech
    assert detector.silence_s == 0


def test_the_detector_hears_real_speech_where_it_is(librivox: bytes) -> None:
    detector = SpeechDetector()
    detector._began_s = -1e9
    first_s = last_s = None
    for start in range(0, len(librivox) - FRAME_BYTES, FRAME_BYTES):
        if detector.feed(librivox[start : start + FRAME_BYTES]):
            last_s = start / 32_000
            first_s = last_s if first_s is None else first_s
    assert first_s == pytest.approx(0.26, abs=0.1)
    assert last_s == pytest.approx(2.8, abs=0.15)
    assert detector.speech_seen
    assert detector.speech_s == pytest.approx(2.5, abs=0.3)


async def test_the_detector_looks_no_further_than_it_must(librivox: bytes) -> None:
    detector = SpeechDetector()
    detector._began_s = float("inf")
    detector.feed(librivox)
    assert detector.heard_s == 0
    await detector.finish(enough_s=0.5)
    assert 0.5 <= detector.speech_s < 0.6
    assert detector.behind
    await detector.finish(enough_s=60)
    assert not detector.behind
    assert detector.heard_s == pytest.approx(2.99, abs=FRAME_S)
