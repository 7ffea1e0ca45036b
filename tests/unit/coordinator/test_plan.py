"""`avatar vram plan`: what would fit, by the scheduler's own rules."""

from __future__ import annotations

from dataclasses import replace

import pytest

from avatar_appliance.coordinator.plan import DeviceRoom, PlannedWorker, VramPlan, make_plan, wanted_at_start
from avatar_appliance.coordinator.policy import SchedulerPolicy
from avatar_appliance.coordinator.worker_spec import WorkerSpec

GIB = 2**30
MIB = 2**20


def spec(name: str, gib: float, *, peak_gib: float = 0.0, devices: tuple[str, ...] = ("cuda:0",), priority: int = 50,
         preload: bool = True, pinned: bool = False, host_gib: float = 0.5) -> WorkerSpec:  # fmt: skip
    return WorkerSpec(
        name=name,
        role="tts",
        devices=devices,
        rest_bytes=int(gib * GIB),
        peak_bytes=int(max(gib, peak_gib) * GIB),
        host_bytes=int(host_gib * GIB),
        priority=priority,
        preload=preload,
        pinned=pinned,
    )


# The house of the reference: a 3090, as gpu-workers' estimates have it.
WHISPER = spec("whisper", 2.5, priority=80)
VLLM = spec("vllm", 9.9, peak_gib=11.1, priority=60)
F5 = spec("f5", 1.8, peak_gib=2.1, priority=70)
COSYVOICE = spec("cosyvoice", 4.5, peak_gib=4.9, priority=30, preload=False)
PIPER = spec("piper", 0.3, devices=("cpu",), priority=90)
HOUSE = [WHISPER, F5, COSYVOICE, PIPER, VLLM]


def rooms(gpu_gib: float, foreign_gib: float = 0.0, ram_gib: float = 32) -> list[DeviceRoom]:
    return [
        DeviceRoom(device="cuda:0", name="GPU", usable_bytes=int(gpu_gib * GIB), foreign_bytes=int(foreign_gib * GIB)),
        DeviceRoom(device="cpu", name="RAM", usable_bytes=int(ram_gib * GIB)),
    ]


def fits(plan: VramPlan) -> dict[str, str]:
    return {worker.name: worker.fit for worker in plan.workers}


def of(plan: VramPlan, name: str) -> PlannedWorker:
    return next(worker for worker in plan.workers if worker.name == name)


def test_everything_fits_a_3090() -> None:
    plan = make_plan(HOUSE, rooms(23.5))
    assert fits(plan) == {
        "whisper": "resident", "f5": "resident", "vllm": "resident", "piper": "resident", "cosyvoice": "beside",
    }  # fmt: skip
    assert plan.all_fit
    gpu, ram = plan.devices
    assert gpu.planned_bytes == pytest.approx(18.7 * GIB, abs=10)
    assert gpu.budget_bytes == int(23.5 * GIB * 0.9) - 256 * MIB
    assert gpu.free_bytes == gpu.budget_bytes - gpu.planned_bytes
    assert ram.beside_gpu_bytes == 4 * GIB // 2
    assert ram.planned_bytes == ram.beside_gpu_bytes + int(0.3 * GIB)


def test_workers_are_listed_as_they_come_up_with_running_totals() -> None:
    plan = make_plan(HOUSE, rooms(23.5))
    on_gpu = [worker for worker in plan.workers if worker.device == "cuda:0"]
    assert [worker.name for worker in on_gpu] == ["whisper", "f5", "vllm", "cosyvoice"]
    at_rest = 0
    for worker in on_gpu:
        assert worker.peak_total_bytes == at_rest + worker.peak_bytes
        at_rest += worker.rest_bytes
        assert worker.rest_total_bytes == at_rest


def test_the_total_while_something_starts_never_exceeds_the_budget() -> None:
    for gpu_gib in range(4, 26):
        plan = make_plan(HOUSE, rooms(gpu_gib))
        budget = plan.devices[0].budget_bytes
        for worker in plan.workers:
            if worker.device == "cuda:0" and worker.peak_total_bytes is not None:
                assert worker.peak_total_bytes <= budget


def test_on_a_smaller_gpu_the_voice_goes_on_demand_and_says_for_whom() -> None:
    """The LLM may go for the better voice where the owner ranks it higher."""
    plan = make_plan([WHISPER, replace(VLLM, priority=20), replace(COSYVOICE, priority=30)], rooms(18))
    assert fits(plan) == {"whisper": "resident", "vllm": "resident", "cosyvoice": "instead"}
    assert of(plan, "cosyvoice").instead_of == ("vllm",)
    assert not plan.all_fit


def test_a_lower_priority_sends_nobody_away() -> None:
    plan = make_plan([WHISPER, VLLM, COSYVOICE], rooms(18))
    assert of(plan, "cosyvoice").fit == "no"
    assert "not to be sent away: vllm, whisper" in of(plan, "cosyvoice").text


def test_nobody_goes_for_the_pinned() -> None:
    pinned = replace(VLLM, priority=20, pinned=True)
    plan = make_plan([WHISPER, pinned, replace(COSYVOICE, priority=30)], rooms(18))
    assert of(plan, "cosyvoice").fit == "no"
    assert of(plan, "vllm").pinned


def test_what_is_larger_than_the_card_never_fits() -> None:
    plan = make_plan([VLLM], rooms(8))
    assert of(plan, "vllm").fit == "no"
    assert "all of cuda:0 is" in of(plan, "vllm").text


def test_a_start_needs_its_peak_and_not_its_rest() -> None:
    # 12 GiB have a budget of 10.55: enough for 9.9 at rest, not for 11.1 while it starts.
    assert of(make_plan([VLLM], rooms(12)), "vllm").fit == "no"
    assert of(make_plan([replace(VLLM, peak_bytes=VLLM.rest_bytes)], rooms(12)), "vllm").fit == "resident"


def test_others_on_the_card_are_counted() -> None:
    plan = make_plan(HOUSE, rooms(23.5, foreign_gib=6))
    assert of(plan, "vllm").fit == "no"
    assert "others hold 6 GiB" in of(plan, "vllm").text
    assert plan.devices[0].foreign_bytes == 6 * GIB


def test_a_guest_has_the_card_for_himself() -> None:
    plan = make_plan([WHISPER, replace(F5, devices=("cuda:0", "cpu"))], rooms(23.5, foreign_gib=12))
    assert "guest" in of(plan, "whisper").text
    assert of(plan, "f5").device == "cpu"
    assert fits(make_plan([WHISPER], rooms(23.5, foreign_gib=12), guest_mode="off")) == {"whisper": "resident"}


def test_ram_beside_gpu_memory_counts() -> None:
    plan = make_plan([replace(VLLM, host_bytes=9 * GIB)], rooms(23.5, ram_gib=8))
    assert of(plan, "vllm").fit == "no"
    assert "RAM" in of(plan, "vllm").text


def test_two_gpus_share_the_work() -> None:
    both = ("cuda:0", "cuda:1")
    two = [
        DeviceRoom(device="cuda:0", name="a", usable_bytes=12 * GIB),
        DeviceRoom(device="cuda:1", name="b", usable_bytes=12 * GIB),
        DeviceRoom(device="cpu", name="RAM", usable_bytes=32 * GIB),
    ]
    plan = make_plan([spec("one", 8, devices=both), spec("other", 8, devices=both)], two)
    assert {worker.device for worker in plan.workers} == {"cuda:0", "cuda:1"}
    assert plan.all_fit


def test_the_ceiling_is_the_owners() -> None:
    assert fits(make_plan([WHISPER], rooms(4), policy=SchedulerPolicy(gpu_ceiling=0.5))) == {"whisper": "no"}
    assert fits(make_plan([WHISPER], rooms(4))) == {"whisper": "resident"}


def test_an_external_worker_is_listed_and_needs_nothing() -> None:
    plan = make_plan([WorkerSpec(name="elsewhere", role="llm", external=True)], rooms(1))
    assert fits(plan) == {"elsewhere": "external"}
    assert plan.all_fit


def test_a_worker_without_any_device_says_so() -> None:
    plan = make_plan([replace(WHISPER, devices=())], rooms(23.5)[1:])
    assert of(plan, "whisper").fit == "no"
    assert "no device" in of(plan, "whisper").text


def test_estimates_and_measurements_are_told_apart() -> None:
    plan = make_plan([WHISPER, F5], rooms(23.5), measured={"f5"})
    assert {worker.name: worker.measured for worker in plan.workers} == {"whisper": False, "f5": True}


def test_would_these_fit_together() -> None:
    plan = make_plan(wanted_at_start([COSYVOICE, F5]), rooms(8))
    assert fits(plan) == {"f5": "resident", "cosyvoice": "resident"}


def test_a_keep_alive_has_no_place_on_paper() -> None:
    assert fits(make_plan([replace(WHISPER, keep_alive_s=0.0)], rooms(23.5))) == {"whisper": "resident"}


def test_no_worker_and_no_device_are_no_trouble() -> None:
    assert make_plan([], []) == VramPlan((), ())
