"""CUDA_VISIBLE_DEVICES, read as CUDA reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from avatar_appliance.errors import ConfigError

VARIABLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True, slots=True)
class VisibleDevices:
    """The GPUs that CUDA programs started by us will see, in the order in which they will number them."""

    entries: tuple[str, ...] | None
    """Indices in PCI bus order, or beginnings of UUIDs; None: the variable is not set, so all of them."""

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """Read the variable's value; raises ConfigError for a MIG instance, which we cannot budget."""
        if text is None:
            return cls(None)
        entries = tuple(entry.strip() for entry in text.split(","))
        for entry in entries:
            if entry.upper().startswith("MIG"):
                raise ConfigError(
                    f"{VARIABLE} names the MIG instance {entry}, and slices of a GPU are not supported",
                    hint=f"Name whole GPUs (`nvidia-smi -L` lists them) in {VARIABLE}, or unset it.",
                )
        return cls(entries if text.strip() else ())

    def choose(self, uuids: Sequence[str]) -> tuple[list[int], str]:
        """Return which of the GPUs (given in PCI bus order) are visible, and what people should know about that."""
        if self.entries is None:
            return list(range(len(uuids))), ""
        # Measured (driver 580): the first that is no GPU ends the list, and so does a UUID among indices or the other
        # way round; the same index twice, and there is no GPU at all.
        chosen: list[int] = []
        for entry in self.entries:
            index = _find(entry, uuids)
            if index is None or _is_index(entry) != _is_index(self.entries[0]):
                why = "is no GPU of this machine, or named unlike the first"
                return chosen, f"{VARIABLE}: {entry!r} {why}; CUDA ignores it and what follows"
            if index in chosen:
                return [], f"{VARIABLE}: {entry!r} names a GPU for the second time; CUDA then sees none at all"
            chosen.append(index)
        return chosen, "" if chosen else f"{VARIABLE} is empty: no GPU is used"


def _is_index(entry: str) -> bool:
    return entry.isascii() and entry.isdigit()


def _find(entry: str, uuids: Sequence[str]) -> int | None:
    if _is_index(entry):
        return int(entry) if int(entry) < len(uuids) else None
    if not entry.startswith("GPU-"):
        return None
    matching = [index for index, uuid in enumerate(uuids) if uuid.startswith(entry)]
    return matching[0] if len(matching) == 1 else None
