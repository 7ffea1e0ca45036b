"""Reading a torch checkpoint of the old kind without torch: what it reads, and what it refuses to run."""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avatar_appliance.errors import ConfigError
from wyoming_servers.workers.speaker.checkpoint import read_weights

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001
FACTS = {"protocol_version": VERSION, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}


class _Named:
    """Pickles as a call of `module.name` with these arguments."""

    def __init__(self, module: str, name: str, *arguments: Any) -> None:
        self.module, self.name, self.arguments = module, name, arguments


class _Writer(pickle._Pickler):
    """Writes what torch would: calls by name, storages as persistent ids."""

    def persistent_id(self, obj: Any) -> Any:
        return obj[1:] if isinstance(obj, tuple) and obj[:1] == ("persistent",) else None

    def save(self, obj: Any, save_persistent_id: bool = True) -> Any:
        if not isinstance(obj, _Named):
            return super().save(obj, save_persistent_id)
        self.write(f"c{obj.module}\n{obj.name}\n".encode())
        if obj.arguments:
            super().save(obj.arguments)
            self.write(pickle.REDUCE)
        return None


def storage(key: str, count: int) -> tuple[Any, ...]:
    return ("persistent", "storage", _Named("torch", "FloatStorage"), key, "cuda:0", count, None)


def tensor(key: str, count: int, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> _Named:
    rebuild = (storage(key, count), offset, shape, strides, False, OrderedDict())
    return _Named("torch._utils", "_rebuild_tensor_v2", *rebuild)


def dump(value: Any) -> bytes:
    stream = io.BytesIO()
    _Writer(stream, protocol=2).dump(value)
    return stream.getvalue()


def write(file: Path, state: Any, storages: dict[str, np.ndarray], *, magic: int = MAGIC, facts: Any = None) -> Path:
    parts = [dump(magic), dump(VERSION), dump(facts or FACTS), dump(state), dump(list(storages))]
    for numbers in storages.values():
        parts += [np.array([len(numbers)], "<i8").tobytes(), numbers.astype("<f4").tobytes()]
    file.write_bytes(b"".join(parts))
    return file


NUMBERS = np.arange(12)


def test_tensors_are_views_of_their_storage(tmp_path: Path) -> None:
    state = {
        "model_state": OrderedDict(
            [
                ("whole", tensor("7", 12, 0, (3, 4), (4, 1))),
                ("turned", tensor("7", 12, 0, (4, 3), (1, 4))),
                ("part", tensor("7", 12, 5, (2,), (1,))),
                ("step", 3),
            ]
        ),
        "step": 9,
    }
    found = read_weights(write(tmp_path / "a.pt", state, {"7": NUMBERS}), "model_state")
    assert found.keys() == {"whole", "turned", "part"}
    np.testing.assert_array_equal(found["whole"], NUMBERS.reshape(3, 4))
    np.testing.assert_array_equal(found["turned"], NUMBERS.reshape(3, 4).T)
    np.testing.assert_array_equal(found["part"], [5, 6])
    assert found["whole"].dtype == np.float32


@pytest.mark.parametrize(
    "call",
    [
        _Named("os", "system", "touch {file}"),
        _Named("builtins", "exec", "open({file!r}, 'w')"),
        _Named("builtins", "eval"),
        _Named("torch._utils", "_rebuild_parameter"),
    ],
    ids=lambda call: f"{call.module}.{call.name}",
)
def test_a_checkpoint_that_names_any_other_function_is_refused_and_runs_nothing(tmp_path: Path, call: _Named) -> None:
    proof = tmp_path / "ran"
    call.arguments = tuple(text.format(file=str(proof)) for text in call.arguments)
    with pytest.raises(ConfigError, match="no checkpoint"):
        read_weights(write(tmp_path / "a.pt", {"model_state": {"w": call}}, {}), "model_state")
    assert not proof.exists()


def _state(**changes: Any) -> dict[str, Any]:
    view = {"key": "7", "count": 12, "offset": 0, "shape": (3, 4), "strides": (4, 1), **changes}
    return {"model_state": {"w": tensor(*view.values())}}


@pytest.mark.parametrize(
    "broken",
    [
        lambda file: write(file, _state(offset=5), {"7": NUMBERS}),
        lambda file: write(file, _state(offset=-1), {"7": NUMBERS}),
        lambda file: write(file, _state(strides=(-4, 1)), {"7": NUMBERS}),
        lambda file: write(file, _state(shape=(10**6, 10**6)), {"7": NUMBERS}),
        lambda file: write(file, _state(key="8"), {"7": NUMBERS}),
        lambda file: write(file, {"other": 1}, {}),
        lambda file: write(file, [], {}),
        lambda file: write(file, _state(), {"7": NUMBERS}, magic=1),
        lambda file: write(file, _state(), {"7": NUMBERS}, facts={**FACTS, "little_endian": False}),
        lambda file: file.write_bytes(write(file, _state(), {"7": NUMBERS}).read_bytes()[:-8]),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"PK\x03\x04 a newer kind"),
        lambda file: file.write_bytes(dump(MAGIC) + dump(VERSION) + dump(FACTS) + dump(_state()) + dump(["7"])
                                      + np.array([2**40], "<i8").tobytes()),
        lambda file: None,
    ],
)  # fmt: skip
def test_a_broken_checkpoint_is_a_configuration_error(tmp_path: Path, broken: Callable[[Path], object]) -> None:
    file = tmp_path / "a.pt"
    broken(file)
    with pytest.raises(ConfigError):
        read_weights(file, "model_state")
