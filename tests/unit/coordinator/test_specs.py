"""From config.yaml to what the scheduler knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from avatar_appliance.config import Settings, load_settings
from avatar_appliance.config.coordinator import CoordinatorSettings
from avatar_appliance.config.local_worker import LocalWorker
from avatar_appliance.coordinator.control_errors import WorkerUnknown
from avatar_appliance.coordinator.measurement import Measurement, worker_fingerprint
from avatar_appliance.coordinator.policy import SchedulerPolicy
from avatar_appliance.coordinator.specs import measured_workers, scheduler_policy, worker_specs
from avatar_appliance.coordinator.worker_spec import WorkerSpec
from avatar_appliance.models import load_catalogue

GIB = 2**30
ROOT = Path(__file__).parents[3]
CATALOGUE = load_catalogue()
TURBO = "whisper-large-v3-turbo"


@pytest.fixture(autouse=True)
def _no_other_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AVATAR_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)


def house(ears: dict[str, Any], **more: Any) -> Settings:
    """A house with a worker `ears` of the given keys as its only speech-to-text."""
    workers = {
        "ears": {"engine": "faster-whisper", **ears},
        "piper": {"engine": "piper"},
        "espeak": {"engine": "espeak-ng"},
        "chat": {"engine": "llama-cpp"},
    }
    return load_settings(None, workers=workers, asr={"workers": ["ears"]}, **more)


def spec(settings: Settings, *devices: str, measured: tuple[Measurement, ...] = (), name: str = "ears") -> WorkerSpec:
    return {each.name: each for each in worker_specs(settings, devices, measured)}[name]


def fingerprint(settings: Settings, name: str = "ears") -> str:
    worker = settings.workers[name]
    assert isinstance(worker, LocalWorker)
    return worker_fingerprint(worker, CATALOGUE)


def measurement(settings: Settings, device: str = "cuda:0", **values: Any) -> Measurement:
    known = {"fingerprint": fingerprint(settings), "rest_bytes": 3 * GIB, "peak_bytes": 4 * GIB, "start_s": 7.5}
    return Measurement(**{"worker": "ears", "device": device, **known, **values})


def test_the_embedded_workers_are_loaded_from_the_start_and_never_go_for_being_idle() -> None:
    """Today's appliance on a CPU box: nothing changes for its owner."""
    specs = worker_specs(load_settings(ROOT / "config.yaml"), ["cpu"])
    assert [each.name for each in specs] == ["whisper-base", "piper", "espeak", "chat"]
    for each in specs:
        assert each.preload, each.name
        assert each.keep_alive_s is None, each.name
        assert each.devices == ("cpu",), each.name
        assert each.host_bytes == each.rest_bytes, each.name
    assert sum(each.rest_bytes for each in specs) < 2 * GIB


def test_only_workers_that_a_ladder_uses_are_known() -> None:
    settings = load_settings(None, tts={"workers": ["espeak"]})
    assert [each.name for each in worker_specs(settings, ["cpu"])] == ["whisper-base", "espeak", "chat"]


def test_others_can_be_asked_for_by_name() -> None:
    settings = load_settings(None, tts={"workers": ["espeak"]})
    assert [each.name for each in worker_specs(settings, ["cpu"], names=["piper"])] == ["piper"]
    with pytest.raises(WorkerUnknown, match="nobody") as caught:
        worker_specs(settings, ["cpu"], names=["nobody"])
    assert "whisper-base, piper, espeak, chat" in caught.value.hint


@pytest.mark.parametrize(
    ("device", "devices", "expected"),
    [
        ("auto", ("cuda:0", "cuda:1", "cpu"), ("cuda:0", "cuda:1", "cpu")),
        ("auto", ("cpu",), ("cpu",)),
        ("cuda", ("cuda:0", "cuda:1", "cpu"), ("cuda:0", "cuda:1")),
        ("cuda", ("cpu",), ()),
        ("cuda:1", ("cuda:0", "cuda:1", "cpu"), ("cuda:1",)),
        ("cuda:1", ("cuda:0", "cpu"), ("cuda:1",)),
        ("cpu", ("cuda:0", "cpu"), ("cpu",)),
    ],
)
def test_a_worker_goes_where_its_owner_says(device: str, devices: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert spec(house({"device": device}), *devices).devices == expected


def test_an_engine_for_the_cpu_stays_there() -> None:
    assert spec(house({}), "cuda:0", "cpu", name="piper").devices == ("cpu",)
    assert spec(house({}), "cuda:0", "cpu", name="chat").devices == ("cpu",), "no layer shall be on a GPU"


def test_first_rungs_and_light_engines_are_loaded_from_the_start() -> None:
    workers = {
        "big": {"engine": "faster-whisper", "model": TURBO}, "small": {"engine": "faster-whisper"},
        "piper": {"engine": "piper"}, "espeak": {"engine": "espeak-ng"}, "chat": {"engine": "llama-cpp"},
        "spare": {"engine": "llama-cpp", "preload": True},
    }  # fmt: skip
    settings = load_settings(
        None, workers=workers, asr={"workers": ["big", "small"]}, conversation={"workers": ["chat", "spare"]}
    )
    preloaded = {each.name: each.preload for each in worker_specs(settings, ["cpu"])}
    assert preloaded == {
        "big": True, "small": False, "piper": True, "espeak": True, "chat": True, "spare": True,
    }  # fmt: skip


def test_the_owner_may_keep_a_first_rung_from_being_loaded() -> None:
    assert spec(house({"preload": False}), "cpu").preload is False


def test_priorities_are_the_roles_unless_given() -> None:
    assert spec(house({}), "cpu").priority == 80
    assert spec(house({"priority": 0}), "cpu").priority == 0


def test_a_worker_elsewhere_is_external_and_holds_nothing() -> None:
    workers = {
        "whisper-base": {"engine": "faster-whisper"}, "piper": {"engine": "piper"}, "espeak": {"engine": "espeak-ng"},
        "big": {"engine": "openai", "base_url": "http://192.168.1.20:8000/v1"},
    }  # fmt: skip
    settings = load_settings(None, workers=workers, conversation={"workers": ["big"]}, limits={"max_turns": 20})
    big = spec(settings, "cuda:0", "cpu", name="big")
    assert (big.external, big.devices, big.rest_bytes, big.preload, big.max_leases) == (True, (), 0, False, 20)


def test_an_estimate_is_of_the_device_where_it_takes_most() -> None:
    on_gpu = spec(house({"model": TURBO, "device": "cuda"}), "cuda:0", "cpu")
    anywhere = spec(house({"model": TURBO}), "cuda:0", "cpu")
    assert on_gpu.rest_bytes == anywhere.rest_bytes
    assert 2.2 * GIB < on_gpu.rest_bytes < 2.6 * GIB
    assert on_gpu.host_bytes == anywhere.host_bytes < on_gpu.rest_bytes


def test_what_was_measured_replaces_the_estimate() -> None:
    settings = house({"device": "cuda"})
    found = spec(settings, "cuda:0", "cpu", measured=(measurement(settings),))
    assert (found.rest_bytes, found.peak_bytes, found.start_s) == (3 * GIB, 4 * GIB, 7.5)
    assert measured_workers(settings, ["cuda:0", "cpu"], [measurement(settings)]) == {"ears"}


@pytest.mark.parametrize(
    "other",
    [
        {"model": TURBO},
        {"compute_type": "int8_float16"},
        {"env": {"CT2_CUDA_ALLOCATOR": "cub_caching"}},
    ],
)
def test_other_settings_make_a_measurement_worthless(other: dict[str, Any]) -> None:
    before, now = house({"device": "cuda"}), house({"device": "cuda", **other})
    assert spec(now, "cuda:0", measured=(measurement(before),)) == spec(now, "cuda:0")
    assert measured_workers(now, ["cuda:0"], [measurement(before)]) == frozenset()


@pytest.mark.parametrize("other", [{"priority": 1}, {"keep_alive_s": 60}, {"start_timeout_s": 9}, {"max_leases": 1}])
def test_what_does_not_change_the_process_leaves_it_worth_something(other: dict[str, Any]) -> None:
    before, now = house({"device": "cuda"}), house({"device": "cuda:0", **other})
    assert fingerprint(before) == fingerprint(now)


def test_another_device_has_to_be_measured_itself() -> None:
    settings = house({"device": "cuda:1"})
    elsewhere = (measurement(settings, "cuda:0"),)
    assert spec(settings, "cuda:0", "cuda:1", measured=elsewhere) == spec(settings, "cuda:0", "cuda:1")


def test_a_model_file_that_was_exchanged_makes_a_measurement_worthless(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.bin").write_bytes(b"x" * 1000)
    settings = house({"model": str(model)})
    before = fingerprint(settings)
    assert fingerprint(settings) == before
    (model / "model.bin").write_bytes(b"x" * 2000)
    assert fingerprint(settings) != before


def test_the_owners_figures_go_before_everything() -> None:
    settings = house({"device": "cuda", "memory": "5GiB", "peak_memory": "6GiB"})
    found = spec(settings, "cuda:0", measured=(measurement(settings),))
    assert (found.rest_bytes, found.peak_bytes, found.start_s) == (5 * GIB, 6 * GIB, 7.5)


def test_who_gives_only_the_memory_at_rest_keeps_the_extra_of_a_start() -> None:
    estimated = spec(house({}), "cpu")
    given = spec(house({"memory": "1GiB"}), "cpu")
    assert given.rest_bytes == given.host_bytes == GIB
    assert given.peak_bytes - GIB == estimated.peak_bytes - estimated.rest_bytes > 0


def test_memory_above_the_estimated_peak_raises_the_peak() -> None:
    found = spec(house({"device": "cuda", "memory": "9GiB"}), "cuda:0")
    assert found.peak_bytes >= found.rest_bytes == 9 * GIB


def test_the_size_of_a_model_of_ones_own_is_looked_up(tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.mkdir()
    with (large / "model.bin").open("wb") as file:
        file.truncate(4 * GIB)  # a hole: no byte is written
    assert spec(house({"model": str(large), "device": "cuda"}), "cuda:0").rest_bytes > 4 * GIB


@pytest.mark.parametrize("model", ["/nowhere/model", "x" * 5000, "a\0b", ""])
def test_a_model_that_is_not_there_is_assumed_to_be_of_a_usual_size(model: str) -> None:
    assert 0.2 * GIB < spec(house({"model": model}), "cpu").rest_bytes < 2 * GIB


def test_the_defaults_of_the_configuration_are_the_schedulers() -> None:
    assert scheduler_policy(CoordinatorSettings()) == SchedulerPolicy()


def test_every_number_of_the_configuration_reaches_the_scheduler() -> None:
    settings = CoordinatorSettings.model_validate(
        {
            "gpu_ceiling": 0.5,
            "cpu_ceiling": 0.6,
            "headroom": "1GiB",
            "most_waiting": 3,
            "min_residency_s": 4,
            "after_shed_s": 5,
            "cool_down_s": 6,
            "guest_mode": {"share": 0.7, "linger_s": 8, "programs": ["cs2", "a-name-of-more-than-15-characters"]},
        }
    )
    assert scheduler_policy(settings) == SchedulerPolicy(
        gpu_ceiling=0.5, cpu_ceiling=0.6, headroom_bytes=GIB, most_waiting=3, min_residency_s=4, after_shed_s=5,
        cool_down_s=6, guest_share=0.7, guest_linger_s=8, guest_names=frozenset({"cs2", "a-name-of-more-"}),
    )  # fmt: skip
