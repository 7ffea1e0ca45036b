"""Which device a worker was given: a file beside its socket, written before its process is started.

A file and not an argument, so that the unit of a worker stays the same whatever device it is given, and a control plane
that was restarted finds out where the workers it finds running are.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from avatar_appliance.errors import ConfigError

_DEVICE = re.compile(r"cpu|cuda:\d{1,3}")


@dataclass(frozen=True, slots=True)
class DeviceAssignment:
    """Where a worker runs; raises ConfigError for what is no device or no positive number of bytes."""

    device: str
    """`cpu`, or `cuda:N` numbered as CUDA_DEVICE_ORDER=PCI_BUS_ID does."""
    limit_bytes: int | None = None
    """What it may hold there; None: nobody said."""

    def __post_init__(self) -> None:
        if not _DEVICE.fullmatch(self.device):
            raise ConfigError(f"{self.device!r} is no device: it is `cpu` or `cuda:N`")
        limit = self.limit_bytes
        if limit is not None and (type(limit) is not int or limit <= 0):
            raise ConfigError(f"{limit!r} is no number of bytes above 0")


def assignment_path(runtime_dir: Path, name: str) -> Path:
    """Return where the assignment of the worker `name` is kept."""
    return runtime_dir / f"assignment-{name}.json"


def write_assignment(runtime_dir: Path, name: str, assignment: DeviceAssignment) -> None:
    """Replace the assignment of the worker `name`; a reader sees the old one or the new. Raises OSError."""
    runtime_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = assignment_path(runtime_dir, name)
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)  # of a life that was killed, perhaps with other permissions
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(assignment), file)
    unfinished.replace(path)  # no fsync: the folder does not outlive a power cut either


def read_assignment(runtime_dir: Path, name: str) -> DeviceAssignment | None:
    """Return where the worker `name` runs, None where nobody has said; raises ConfigError for a file not ours."""
    path = assignment_path(runtime_dir, name)
    try:
        values = json.loads(path.read_bytes())
        return DeviceAssignment(**values)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, ConfigError) as error:
        raise ConfigError(
            f"the device assignment {path} cannot be used: {error}",
            hint="The control plane writes it: delete the file, and start the worker again.",
        ) from None


def remove_assignment(runtime_dir: Path, name: str) -> None:
    """Forget where the worker `name` ran."""
    with contextlib.suppress(OSError):
        assignment_path(runtime_dir, name).unlink(missing_ok=True)
