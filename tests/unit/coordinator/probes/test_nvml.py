"""The GPU probe: the real nvidia-ml-py on a compiled, scripted libnvidia-ml.so.1."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pynvml
import pytest

from avatar_appliance.coordinator.device import DeviceReading, ProcessMemory
from avatar_appliance.coordinator.probes import NvmlProbe, ProbeFailed
from avatar_appliance.coordinator.probes.nvml import LONGEST_DELAY_S
from avatar_appliance.coordinator.probes.nvml_gpu import HIDDEN_PIDS, MIG_IS_ON, NO_MEMORY_V2, NO_PROCESSES
from avatar_appliance.errors import ConfigError

GIB = 2**30
MIB = 2**20
OLD_DRIVER = pytest.mark.parametrize("nvml", [("-DOLD_DRIVER",)], indirect=True)


def the_one(probe: NvmlProbe) -> DeviceReading:
    [reading] = probe.read()
    return reading


def probe_of(**options: Any) -> NvmlProbe:
    return NvmlProbe({}, **{"in_container": False, **options})


def test_a_reading_says_what_the_card_is_and_how_it_is(nvml: Any) -> None:
    nvml.add(total=24 * GIB, reserved=300 * MIB, used=2 * GIB)
    assert the_one(probe_of()) == DeviceReading(
        device="cuda:0",
        name="NVIDIA GeForce RTX 3090",
        uuid="GPU-00000000-aaaa-bbbb-cccc-1234567890ab",
        total_bytes=24 * GIB,
        used_bytes=2 * GIB,
        reserved_bytes=300 * MIB,
        processes=(),
        temperature_c=47,
        utilisation_percent=12,
    )


@pytest.mark.parametrize("error", [pynvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH, pynvml.NVML_ERROR_NOT_SUPPORTED])
def test_without_memory_info_v2_what_the_driver_keeps_counts_as_used_and_people_are_told(nvml: Any, error: int) -> None:
    nvml.add(reserved=300 * MIB, used=2 * GIB, v2_error=error)
    probe = probe_of()
    reading = the_one(probe)
    assert (reading.used_bytes, reading.reserved_bytes) == (2 * GIB + 300 * MIB, 0)
    assert probe.notes() == [f"cuda:0: {NO_MEMORY_V2}"]


@OLD_DRIVER
def test_an_old_library_without_the_newer_functions_will_do(nvml: Any) -> None:
    nvml.add(used=2 * GIB)
    probe = probe_of()
    reading = the_one(probe)
    assert (reading.used_bytes, reading.temperature_c) == (2 * GIB, 47)
    assert probe.notes() == [f"cuda:0: {NO_MEMORY_V2}"]


def test_what_a_card_does_not_measure_is_not_known(nvml: Any) -> None:
    nvml.add(sensor_error=pynvml.NVML_ERROR_NOT_SUPPORTED)
    reading = the_one(probe_of())
    assert (reading.temperature_c, reading.utilisation_percent) == (None, None)


def test_gpus_are_numbered_in_pci_bus_order_whatever_the_library_s_order(nvml: Any) -> None:
    nvml.add(name=b"third", domain=1, bus=1)
    nvml.add(name=b"second", bus=9, device=1)
    nvml.add(name=b"first", bus=9, device=0)
    assert [(r.device, r.name) for r in probe_of().read()] == [
        ("cuda:0", "first"),
        ("cuda:1", "second"),
        ("cuda:2", "third"),
    ]


def test_processes_are_merged_from_both_lists_with_their_names(nvml: Any, sleeper: Callable[[], Any]) -> None:
    gpu, game, secret = nvml.add(used=5 * GIB), sleeper().pid, sleeper().pid
    nvml.lists(gpu, "compute", (os.getpid(), 3 * GIB), (secret, None))
    nvml.lists(gpu, "graphics", (game, GIB), (os.getpid(), 3 * GIB))
    probe = probe_of()
    own_name = Path("/proc/self/comm").read_text().strip()
    assert the_one(probe).processes == (
        ProcessMemory(os.getpid(), 3 * GIB, own_name),
        ProcessMemory(secret, None, "cat"),
        ProcessMemory(game, GIB, "cat"),
    )
    assert "does not tell how much" in probe.notes()[0]


def test_on_the_machine_itself_a_pid_that_nobody_has_is_a_process_that_just_ended(nvml: Any, ended_pid: int) -> None:
    nvml.lists(nvml.add(used=GIB), "compute", (ended_pid, GIB), (os.getpid(), GIB))
    processes = the_one(probe_of(in_container=False)).processes
    assert processes is not None
    assert [process.pid for process in processes] == [os.getpid()]


def test_in_a_container_a_pid_that_nobody_has_means_that_the_driver_speaks_of_others(nvml: Any, ended_pid: int) -> None:
    nvml.lists(nvml.add(used=GIB), "compute", (ended_pid, GIB), (os.getpid(), GIB))
    probe = probe_of(in_container=True)
    assert the_one(probe).processes is None
    assert probe.notes() == [f"cuda:0: {HIDDEN_PIDS}"]


@pytest.mark.parametrize(("used_bytes", "processes"), [(GIB, None), (6 * MIB, ())])
def test_in_a_container_an_empty_list_is_believed_of_an_empty_card_only(
    nvml: Any, used_bytes: int, processes: tuple[()] | None
) -> None:
    nvml.add(used=used_bytes)
    assert the_one(probe_of(in_container=True)).processes == processes


def test_in_a_container_whose_pids_are_the_driver_s_the_list_is_believed(nvml: Any) -> None:
    nvml.lists(nvml.add(used=GIB), "compute", (os.getpid(), GIB))
    probe = probe_of(in_container=True)
    assert the_one(probe).processes is not None
    assert probe.notes() == []


def test_a_list_that_may_not_be_read_is_not_an_empty_one(nvml: Any) -> None:
    nvml.add(list_error=pynvml.NVML_ERROR_NO_PERMISSION)
    probe = probe_of()
    assert the_one(probe).processes is None
    assert probe.notes() == [f"cuda:0: {NO_PROCESSES}"]


def test_processes_that_come_faster_than_they_are_listed_are_asked_for_again(nvml: Any) -> None:
    gpu = nvml.add()
    nvml.lists(gpu, "compute", (os.getpid(), GIB))
    probe = probe_of()
    gpu.compute_grows = 2
    assert the_one(probe).processes != ()
    gpu.compute_grows = 100
    assert the_one(probe).processes is None


def test_a_card_in_mig_mode_is_read_as_one_and_people_are_told(nvml: Any) -> None:
    nvml.add(mig=1)
    assert probe_of().notes() == [f"cuda:0: {MIG_IS_ON}"]


def test_a_card_that_shares_the_machine_s_memory_is_none_for_us(nvml: Any) -> None:
    nvml.add(memory_error=pynvml.NVML_ERROR_NOT_SUPPORTED)
    nvml.add()
    probe = probe_of()
    assert [reading.device for reading in probe.read()] == ["cuda:0"]
    assert "GPU 0 cannot be used: it does not tell how much memory" in probe.notes()[0]


# --- no driver ---


READ_ALL = """
from avatar_appliance.coordinator.probes import NvmlProbe
probe = NvmlProbe({})
print(list(probe.read()), *probe.notes())
"""


def test_a_machine_without_nvidia_s_library_has_no_gpu(
    python: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    # Not even where the machine of this test has one: an empty file is found first, and is no library.
    (tmp_path / "libnvidia-ml.so.1").touch()
    done = python(READ_ALL, LD_LIBRARY_PATH=str(tmp_path))
    assert done.stdout.startswith("[] no NVIDIA GPU is used: libnvidia-ml.so.1 is not here")
    assert done.stderr == ""


def test_a_program_that_finds_the_library_by_its_name_reads_it(
    python: Callable[..., subprocess.CompletedProcess[str]], compile_nvml: Callable[..., Path]
) -> None:
    done = python(READ_ALL, LD_LIBRARY_PATH=str(compile_nvml().parent))
    assert done.stdout == "[] no NVIDIA GPU is used: the driver has none that answers\n"


def test_a_driver_that_is_loaded_after_us_is_found(nvml: Any, clock: Any) -> None:
    nvml.add()
    nvml.state.init_result = pynvml.NVML_ERROR_DRIVER_NOT_LOADED
    probe = probe_of(clock=clock)
    assert probe.read() == []
    assert probe.notes() == ["no NVIDIA GPU is used: the kernel module of the NVIDIA driver is not loaded"]
    nvml.state.init_result = 0
    clock.now_s += LONGEST_DELAY_S
    assert the_one(probe).device == "cuda:0"
    assert probe.notes() == []


def test_a_driver_that_is_not_there_is_looked_for_ever_more_seldom(nvml: Any, clock: Any) -> None:
    nvml.state.init_result = pynvml.NVML_ERROR_DRIVER_NOT_LOADED
    probe = probe_of(clock=clock)
    for _ in range(600):
        assert probe.read() == []
        clock.now_s += 1
    assert 8 <= nvml.state.inits <= 6 + 600 / LONGEST_DELAY_S + 1


# --- CUDA_VISIBLE_DEVICES ---


@pytest.mark.parametrize(
    ("value", "names", "note"),
    [
        (None, ["a", "b", "c"], ""),
        ("1", ["b"], ""),
        ("2,0", ["c", "a"], ""),
        (" 2 , 0 ", ["c", "a"], ""),
        ("GPU-00000001", ["b"], ""),
        ("GPU-00000002-aaaa,GPU-00000000", ["c", "a"], ""),
        ("0,GPU-00000002", ["a"], "'GPU-00000002' is no GPU of this machine"),
        ("GPU-00000002,0", ["c"], "'0' is no GPU of this machine"),
        (" 0 , 5", ["a"], "'5' is no GPU of this machine"),
        ("GPU-0", [], "'GPU-0' is no GPU of this machine"),
        ("0,7,1", ["a"], "'7' is no GPU of this machine"),
        ("-1", [], "'-1' is no GPU"),
        ("0,1,0", [], "'0' names a GPU for the second time"),
        ("", [], "CUDA_VISIBLE_DEVICES is empty"),
        ("NoDevFiles", [], "'NoDevFiles' is no GPU"),
    ],
)
def test_what_cuda_programs_will_see_is_what_is_read(nvml: Any, value: str | None, names: list[str], note: str) -> None:
    for name in (b"a", b"b", b"c"):
        nvml.add(name=name)
    probe = NvmlProbe({} if value is None else {"CUDA_VISIBLE_DEVICES": value})
    assert [(r.device, r.name) for r in probe.read()] == [(f"cuda:{n}", name) for n, name in enumerate(names)]
    assert note in "".join(probe.notes())
    assert bool(note) == bool(probe.notes())


def test_a_mig_instance_is_refused_before_anything_is_started(nvml: Any) -> None:
    with pytest.raises(ConfigError, match="MIG-1234"):
        NvmlProbe({"CUDA_VISIBLE_DEVICES": "0,MIG-1234"})
    assert nvml.state.inits == 0


# --- trouble ---


def test_a_lost_gpu_is_an_error_that_brings_the_readings_of_the_others(nvml: Any, clock: Any) -> None:
    nvml.add()
    lost = nvml.add(used=GIB)
    probe = probe_of(clock=clock)
    lost.error = pynvml.NVML_ERROR_GPU_IS_LOST
    for _ in range(3):
        with pytest.raises(ProbeFailed, match="cuda:1 cannot be read: the GPU fell off the bus") as failed:
            probe.read()
        assert failed.value.devices == ("cuda:1",)
        assert [reading.device for reading in failed.value.readings] == ["cuda:0"]
        assert failed.value.retryable
        assert "Xid" in failed.value.hint


def test_a_lost_gpu_that_is_back_has_its_old_name(nvml: Any, clock: Any) -> None:
    first, second = nvml.add(name=b"first"), nvml.add(name=b"second")
    probe = probe_of(clock=clock)
    first.error = first.handle_error = pynvml.NVML_ERROR_GPU_IS_LOST
    with pytest.raises(ProbeFailed):
        probe.read()
    clock.now_s += 1
    with pytest.raises(ProbeFailed, match="cuda:0 cannot be read: it is not on the bus any more") as failed:
        probe.read()  # NVML was initialised anew, and numbers the second one 0 now
    assert [(r.device, r.name) for r in failed.value.readings] == [("cuda:1", "second")]
    first.error = first.handle_error = 0
    clock.now_s += LONGEST_DELAY_S
    assert [(r.device, r.name) for r in probe.read()] == [("cuda:0", "first"), ("cuda:1", "second")]
    assert second.error == 0


def test_while_a_gpu_is_lost_another_does_not_slip_into_its_index(nvml: Any, clock: Any) -> None:
    first = nvml.add(name=b"first")
    nvml.add(name=b"never ours")
    probe = NvmlProbe({"CUDA_VISIBLE_DEVICES": "0"}, clock=clock)
    first.error = first.handle_error = pynvml.NVML_ERROR_GPU_IS_LOST
    with pytest.raises(ProbeFailed):
        probe.read()
    clock.now_s += 1
    with pytest.raises(ProbeFailed) as failed:
        probe.read()
    assert failed.value.readings == ()


@pytest.mark.parametrize(
    "error",
    [
        pynvml.NVML_ERROR_UNINITIALIZED,
        pynvml.NVML_ERROR_RESET_REQUIRED,
        pynvml.NVML_ERROR_UNKNOWN,
        pynvml.NVML_ERROR_INVALID_ARGUMENT,
    ],
)
def test_a_gpu_that_cannot_be_read_never_reads_as_empty(nvml: Any, clock: Any, error: int) -> None:
    gpu = nvml.add(used=GIB)
    probe = probe_of(clock=clock)
    gpu.error = error
    for _ in range(5):
        with pytest.raises(ProbeFailed):
            probe.read()
        clock.now_s += LONGEST_DELAY_S
    gpu.error = 0
    assert the_one(probe).used_bytes == GIB


def test_after_a_reload_of_the_driver_nvml_is_initialised_anew_with_back_off(nvml: Any, clock: Any) -> None:
    nvml.add(used=GIB)
    probe = probe_of(clock=clock)
    nvml.state.initialised = 0  # what the driver's unloading does to us
    nvml.state.init_result = pynvml.NVML_ERROR_DRIVER_NOT_LOADED
    for _ in range(20):
        with pytest.raises(ProbeFailed) as failed:
            probe.read()
        assert failed.value.readings == ()
        clock.now_s += 1
    assert nvml.state.inits <= 6  # the first, then after 1, 2, 4 and 8 s
    nvml.state.init_result = 0
    clock.now_s += LONGEST_DELAY_S
    assert the_one(probe).used_bytes == GIB


def test_an_error_among_the_processes_that_means_a_lost_gpu_is_no_missing_list(nvml: Any, clock: Any) -> None:
    gpu = nvml.add()
    probe = probe_of(clock=clock)
    gpu.list_error = pynvml.NVML_ERROR_GPU_IS_LOST
    with pytest.raises(ProbeFailed):
        probe.read()


def test_a_good_reading_ends_the_back_off(nvml: Any, clock: Any) -> None:
    gpu = nvml.add()
    probe = probe_of(clock=clock)
    for _ in range(4):
        gpu.error = pynvml.NVML_ERROR_UNKNOWN
        with pytest.raises(ProbeFailed):
            probe.read()
        gpu.error = 0
        clock.now_s += 1.0
        the_one(probe)


def test_updating_the_driver_under_us_is_explained(nvml: Any, clock: Any) -> None:
    gpu = nvml.add()
    probe = probe_of(clock=clock)
    gpu.error = pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH
    with pytest.raises(ProbeFailed, match="was updated") as failed:
        probe.read()
    assert "Reboot" in failed.value.hint


def test_a_closed_probe_has_let_go_of_the_driver(nvml: Any) -> None:
    nvml.add()
    probe = probe_of()
    probe.close()
    assert nvml.state.initialised == 0
    assert probe.read() == []
    probe.close()
