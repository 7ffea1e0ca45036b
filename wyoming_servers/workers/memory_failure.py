"""Tell a load that ran out of memory from one that is broken: the coordinator makes room and tries the former again."""

from __future__ import annotations

import errno

# What engines say, in lower case: CUDA ("out of memory"), cuBLAS, PyTorch, MKL, ONNX Runtime, llama.cpp, the C library.
_SAYINGS = (
    "out of memory",
    "out_of_memory",
    "cublas_status_alloc_failed",
    "failed to allocate",
    "unable to allocate",
    "cannot allocate memory",
    "insufficient memory",
    "bad_alloc",
)
# How the dynamic linker says that it got no memory for a library; with a reason behind it, it is another one.
_NO_ROOM_FOR_LIBRARY = "failed to map segment from shared object"


def says_out_of_memory(text: str) -> bool:
    """Return whether an engine's words mean that memory ran out."""
    lower = text.lower()
    return any(saying in lower for saying in _SAYINGS)


def is_out_of_memory(error: BaseException | None) -> bool:
    """Return whether an exception, or what led to it, means that memory ran out."""
    while error is not None:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
            return True
        if isinstance(error, ImportError) and str(error).endswith(_NO_ROOM_FOR_LIBRARY):
            return True
        # No engine has a class of its own for it that we could name without importing the engine.
        if isinstance(error, (RuntimeError, OSError)) and says_out_of_memory(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False
