"""Read the weights of a torch checkpoint of the old kind (before its zip files), without torch and without its trust.

The file is four pickles (a magic number, a version, facts about the machine, the state), a fifth with the names of the
storages, then each storage: a count of numbers, and the numbers. A pickle may name any function of any package to be
called while it is read; this reader knows the three that a plain state needs, and refuses the file for any other.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from avatar_appliance.errors import ConfigError

Weights = dict[str, NDArray[np.float32]]

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_FLOAT = np.dtype("<f4")
_COUNT = np.dtype("<i8")
# Nothing that embeds speakers has more numbers than this in one storage; a count beyond it is a broken file.
_MOST_NUMBERS = 2**26


@dataclass(frozen=True, slots=True)
class _View:
    """A tensor, before the numbers of its storage have been read."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def of(self, numbers: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return it as an array of its own."""
        reach = self.offset + sum((size - 1) * step for size, step in zip(self.shape, self.strides, strict=True))
        if self.offset < 0 or min(self.strides, default=0) < 0 or not 0 <= reach < len(numbers):
            raise ValueError("a tensor reaches beyond its storage")
        strides = tuple(step * numbers.itemsize for step in self.strides)
        return np.lib.stride_tricks.as_strided(numbers[self.offset :], self.shape, strides, writeable=False).copy()


class _Reader(pickle.Unpickler):
    """Reads plain values, and tensors as `_View`s."""

    def persistent_load(self, pid: Any) -> str:
        kind, _, key, *_ = pid
        if kind != "storage":
            raise pickle.UnpicklingError("no storage")
        return str(key)

    def find_class(self, module: str, name: str) -> Any:
        match (module, name):
            case ("collections", "OrderedDict"):
                return OrderedDict
            case ("torch", "FloatStorage"):
                return "float"
            case ("torch._utils", "_rebuild_tensor_v2"):
                return _rebuild
            case _:
                raise pickle.UnpicklingError(f"it names {module}.{name}"[:100])


def _rebuild(storage: str, offset: int, shape: Sequence[int], strides: Sequence[int], *_: Any) -> _View:
    return _View(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


def read_weights(file: Path, state_key: str) -> Weights:
    """Return the tensors under `state_key` of the checkpoint `file`; raises ConfigError for anything else."""
    try:
        with file.open("rb") as stream:
            state = _read_state(stream)[state_key]
            storages = _read_storages(stream)
        return {str(name): view.of(storages[view.storage]) for name, view in state.items() if isinstance(view, _View)}
    except OSError as error:
        raise ConfigError(f"{file} cannot be read ({error.strerror})") from None
    except Exception as error:  # noqa: BLE001 - whatever a broken pickle makes its reader raise
        raise ConfigError(f"{file} is no checkpoint of a speaker encoder ({type(error).__name__})") from None


def _read_state(stream: BinaryIO) -> Any:
    if _Reader(stream).load() != _MAGIC or _Reader(stream).load() != _VERSION:
        raise ValueError("no checkpoint of the old kind")
    facts = _Reader(stream).load()
    if not facts["little_endian"]:
        raise ValueError("written on a machine of the other byte order")
    return _Reader(stream).load()


def _read_storages(stream: BinaryIO) -> dict[str, NDArray[np.float32]]:
    storages = {}
    for key in _Reader(stream).load():
        (count,) = np.frombuffer(stream.read(_COUNT.itemsize), _COUNT)
        if not 0 <= count <= _MOST_NUMBERS:
            raise ValueError("a storage of that size")
        raw = stream.read(int(count) * _FLOAT.itemsize)
        storages[str(key)] = np.frombuffer(raw, _FLOAT, count=int(count)).astype(np.float32)
    return storages
