"""The report on a terminal."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from avatar_appliance.bench import BenchReport, RichProgress, print_report
from avatar_appliance.bench.probe import Missed, Timing
from avatar_appliance.bench.recordings import Recording
from avatar_appliance.bench.report import ArmFacts, MachineFacts, Program
from avatar_appliance.bench.samples import Samples

MACHINE = MachineFacts(
    cpu="Fast CPU 9000", cpus=8, usable_cpus=4, memory_bytes=16 * 2**30, gpus=("RTX 3090",), os="Debian", kernel="6",
    architecture="x86_64", python="3.11",
)  # fmt: skip


def report(samples: Samples, *arms: ArmFacts) -> BenchReport:
    return BenchReport(
        kind="peer", made_at="2026-01-01T00:00:00+00:00", command="avatar bench", appliance_version="0.1.0",
        machine=MACHINE, load_before=(0.5, 0.4, 0.3), load_after=(2.5, 1, 0.5), rounds=1, warm_up_rounds=1,
        trailing_silence_s=2.0, arms=arms, recordings=(), texts={}, measurements=samples.measurements(),
        word_errors=samples.word_errors(), failures=samples.failures(),
        comparisons=samples.comparisons("ours-same-settings"), notes=("Read this [first].",),
    )  # fmt: skip


def shown(made: BenchReport, **wishes: bool) -> str:
    screen = StringIO()
    print_report(made, Console(width=200, file=screen), **wishes)
    return screen.getvalue()


def two_arms(ours: float) -> Samples:
    samples = Samples()
    for number in range(6):
        samples.add("ours-same-settings", "burst", "clip [a]", number, Timing({"transcript": ours}))
        samples.add("peer", "burst", "clip [a]", number, Timing({"transcript": 1000.0}))
    return samples


def rows(text: str, word: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("│ ").split("│")] for line in text.splitlines() if word in line]


def test_figures_are_shown_per_stage_and_arm() -> None:
    assert rows(shown(report(two_arms(1200))), "ours-same-settings")[0] == [
        "transcript", "ours-same-settings", "all", "1200", "1200", "1200", "1200", "6",
    ]  # fmt: skip


def test_a_comparison_out_of_bounds_says_no() -> None:
    assert rows(shown(report(two_arms(1200))), "ours-same-settings")[1] == [
        "transcript", "ours-same-settings", "all", "1.20", "1.20-1.20", "+200 ms", "6", "no",
    ]  # fmt: skip
    assert rows(shown(report(two_arms(1050))), "ours-same-settings")[1][-1] == "yes"


def test_single_items_are_shown_on_demand_with_their_name_as_it_is() -> None:
    made = report(two_arms(1000))
    assert "clip [a]" not in shown(made)
    assert "clip [a]" in shown(made, per_item=True)


def test_a_real_time_factor_has_decimals() -> None:
    samples = Samples()
    samples.add("appliance", "turn", "a", 0, Timing({"speech_rtf": 0.123}))
    (row,) = rows(shown(report(samples)), "real-time factor")
    assert row[3] == "0.12"


def test_errors_failures_machine_and_notes_are_shown(recording: Recording) -> None:
    samples = two_arms(1000)
    samples.add_heard("peer", "burst", recording, "turn on a light")
    samples.add("peer", "turn", "tone", 0, Timing(missed=Missed("transcript", "cut-short")))
    program = Program(role="asr", name="whisper", version="3.8", models=("base",))
    arm = ArmFacts(name="peer", meaning="the stock servers", programs=(program,), settings={}, packages={})
    text = shown(report(samples, arm))
    assert rows(text, "25.0%")[0][:5] == ["burst", "peer", "all", "WER 25.0%", "1/4"]
    assert rows(text, "cut-short")[0] == ["turn", "peer", "tone", "transcript", "cut-short", "1"]
    assert "Fast CPU 9000, 4 of 8 CPUs, 16 GiB, Debian" in text
    assert "RTX 3090" in text
    assert "load 0.5 before and 2.5 after" in text
    assert "peer: the stock servers: whisper 3.8 (base)" in text
    assert "- Read this [first]." in text


def test_progress_prints_notes_and_clears_its_bar() -> None:
    screen = StringIO()
    with RichProgress(Console(file=screen, width=80, force_terminal=True)) as progress:
        progress.note("starting [three] servers")
        progress.begin("comparing", 2)
        progress.advance("burst tone")
        progress.advance("burst [x]")
    text = screen.getvalue()
    assert "starting [three] servers" in text
    assert "burst [x]" in text
    assert "2/2" in text


def test_progress_without_a_terminal_prints_only_notes() -> None:
    screen = StringIO()
    with RichProgress(Console(file=screen, width=80, force_terminal=False)) as progress:
        progress.advance("before anything began")
        progress.note("starting")
    assert screen.getvalue().strip() == "starting"
