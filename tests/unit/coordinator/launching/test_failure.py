"""Words that mean that memory ran out."""

from __future__ import annotations

import pytest

from avatar_appliance.coordinator.launching.failure import failed_process, says_out_of_memory
from avatar_appliance.processes import ProcessState, ProcessStatus


@pytest.mark.parametrize(
    ("text", "so"),
    [
        ("CUDA Error: out of memory at cumem.cpp", True),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", True),
        ("CUDA_ERROR_OUT_OF_MEMORY", True),
        ("cudaErrorMemoryAllocation", True),
        ("ended by the kernel: the machine, or its unit, is out of memory", True),
        ("memory of the house", False),
        ("", False),
    ],
)
def test_engines_say_it_in_many_ways(text: str, so: bool) -> None:
    assert says_out_of_memory(text) is so


def test_a_process_without_words_is_described_by_its_state() -> None:
    for state, text in ((ProcessState.STOPPED, "ended"), (ProcessState.STARTING, "is starting")):
        error = failed_process(ProcessStatus("w", state, since=0.0))
        assert (error.failure, error.text) == ("crashed", text)
