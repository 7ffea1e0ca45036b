"""GPUs that are there, or should be."""

from __future__ import annotations

from avatar_appliance.config import Settings
from avatar_appliance.coordinator.device import DeviceReading
from avatar_appliance.doctor.finding import Severity
from avatar_appliance.doctor.gpu import gpu, judge

CARD = DeviceReading(device="cuda:0", name="RTX 3090", total_bytes=24 << 30, used_bytes=3 << 30)


def settings(device: str) -> Settings:
    workers = {
        "ears": {"engine": "fake", "fake_role": "asr", "device": device},
        "t": {"engine": "fake", "fake_role": "tts"},
        "l": {"engine": "fake", "fake_role": "llm"},
    }
    ladders = {"asr": {"workers": ["ears"]}, "tts": {"workers": ["t"]}, "conversation": {"workers": ["l"]}}
    return Settings.from_sources({"workers": workers, **ladders}, {})


def test_a_worker_that_only_runs_on_a_gpu_needs_one() -> None:
    [finding] = judge(settings("cuda"), [], [])
    assert (finding.severity, "ears" in finding.text) == (Severity.PROBLEM, True)
    assert finding.fix


def test_without_such_a_worker_nothing_is_missing() -> None:
    assert judge(settings("auto"), [], ["there is no driver"]) == []


def test_a_card_is_named_and_what_cannot_be_read_is_told() -> None:
    found = judge(settings("cuda"), [CARD], ["processes of other containers are hidden"])
    assert [finding.severity for finding in found] == [Severity.FINE, Severity.WARNING]
    assert found[0].text == "cuda:0: RTX 3090, 3.0 of 24.0 GiB in use"


async def test_looking_at_this_machine_never_raises() -> None:
    assert isinstance(await gpu(settings("auto")), list)
