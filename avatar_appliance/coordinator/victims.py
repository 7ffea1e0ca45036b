"""Who goes when memory is short."""

from __future__ import annotations

from collections.abc import Iterable

from .account import DeviceAccount
from .slot import ModelSlot


def choose_victims(
    candidates: Iterable[ModelSlot], account: DeviceAccount, need_bytes: int
) -> tuple[ModelSlot, ...] | None:
    """Return the victims that give `need_bytes` back on the device, or None where all of them are not enough.

    Lowest priority first, then longest idle, then largest; of those the smallest set that fits: whoever is not needed
    once the later ones are taken stays. `candidates` must be idle and not pinned; () where nothing is needed.
    """
    if need_bytes <= 0:
        return ()
    ordered = sorted(
        candidates, key=lambda slot: (slot.spec.priority, slot.idle_since_s, -account.charges.get(slot.name, 0))
    )
    chosen: list[ModelSlot] = []
    given = 0
    for slot in ordered:
        chosen.append(slot)
        given += account.charges.get(slot.name, 0)
        if given >= need_bytes:
            break
    else:
        return None
    for slot in tuple(reversed(chosen)):  # the most precious of the chosen is spared first
        size = account.charges.get(slot.name, 0)
        if given - size >= need_bytes:
            chosen.remove(slot)
            given -= size
    return tuple(chosen)
