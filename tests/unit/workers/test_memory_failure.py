"""Which failures of a load mean that memory ran out."""

from __future__ import annotations

import errno

import pytest

from wyoming_servers.workers.memory_failure import is_out_of_memory, says_out_of_memory

# As the engines really said it.
OUT_OF_MEMORY = [
    MemoryError(),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
    RuntimeError("CUDA failed with error out of memory"),
    RuntimeError("mkl_malloc: failed to allocate memory"),
    RuntimeError("cuBLAS failed with status CUBLAS_STATUS_ALLOC_FAILED"),
    RuntimeError(
        "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.69 GiB of which ..."
    ),
    RuntimeError(
        "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported at some other API call"
    ),
    RuntimeError("std::bad_alloc"),
    ImportError("libctranslate2-a7a60d30.so.4.8.5: failed to map segment from shared object"),
]
OTHER = [
    RuntimeError("CUDA failed with error no CUDA-capable device is detected"),
    RuntimeError("Unable to open file 'model.bin' in model '/models/whisper'"),
    FileNotFoundError(errno.ENOENT, "No such file or directory"),
    ImportError("libtorch_cpu.so: failed to map segment from shared object: Operation not permitted"),
    ImportError("libgomp.so.1: cannot allocate memory in static TLS block"),
    ValueError("out of memory"),  # a wrong value, whatever it quotes
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=str)
def test_engines_that_ran_out_of_memory_are_known(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize("error", OTHER, ids=str)
def test_other_failures_are_other_failures(error: Exception) -> None:
    assert not is_out_of_memory(error)


def test_what_led_to_a_failure_counts() -> None:
    def load() -> None:
        try:
            raise MemoryError
        except MemoryError as error:
            raise ValueError("the model cannot be loaded") from error

    with pytest.raises(ValueError, match="cannot be loaded") as caught:
        load()
    assert is_out_of_memory(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("E llama_model_load: error loading model: mmap failed: Cannot allocate memory", True),
        ("E ggml_aligned_malloc: insufficient memory (attempted to allocate 11721.00 MB)", True),
        ("ggml_backend_cuda_buffer_type_alloc_buffer: allocating 4096.00 MiB on device 0: cudaMalloc failed: out of "
         "memory", True),
        ("E llama_model_load: error loading model: unable to allocate CUDA0 buffer", True),
        ("E srv start: couldn't bind HTTP server socket, hostname: /run/x.sock, port: 0", False),
        ("E gguf_init_from_file_impl: invalid magic characters: 'vers', expected 'GGUF'", False),
    ],
)  # fmt: skip
def test_llama_cpps_own_words_are_read(text: str, expected: bool) -> None:
    assert says_out_of_memory(text) is expected
