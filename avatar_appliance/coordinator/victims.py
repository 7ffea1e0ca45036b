"""Who goes when memory is short."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .account import DeviceAccount
from .slot import ModelSlot


def victim_order(slot: ModelSlot, account: DeviceAccount) -> tuple[int, float, int]:
    """Return the key that sorts victims: lowest priority first, then longest idle, then largest."""
    return slot.spec.priority, slot.idle_since_s, -account.charges.get(slot.name, 0)


def choose_victims(
    candidates: Iterable[ModelSlot], account: DeviceAccount, need_bytes: int
) -> tuple[ModelSlot, ...] | None:
    """Return the victims that give `need_bytes` back on the device, or None where all of them are not enough.

    Of those who come first the smallest set that fits. `candidates` must be idle and not pinned; () where nothing is
    needed.
    """
    ordered = sorted(candidates, key=lambda slot: victim_order(slot, account))
    chosen = smallest_set([account.charges.get(slot.name, 0) for slot in ordered], need_bytes)
    return None if chosen is None else tuple(ordered[index] for index in chosen)


def smallest_set(sizes_bytes: Sequence[int], need_bytes: int) -> list[int] | None:
    """Return which of those who give `sizes_bytes`, in the order they have to go, must go; None: not even all suffice.

    As many from the front as it takes; of those, whoever is not needed once the later ones are taken stays.
    """
    chosen: list[int] = []
    given = 0
    for index, size in enumerate(sizes_bytes):
        if given >= need_bytes:
            break
        chosen.append(index)
        given += size
    if given < need_bytes:
        return None
    for index in reversed(chosen):  # the most precious of the chosen is spared first
        if given - sizes_bytes[index] >= need_bytes:
            chosen.remove(index)
            given -= sizes_bytes[index]
    return chosen
