"""Those who ask for workers, written as scripts: generators that wait, and ask, and go on with the answer."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from avatar_appliance.coordinator import events as ev
from avatar_appliance.coordinator.actions import Deny, Grant, Revoke
from avatar_appliance.coordinator.lease_request import LeaseId, LeaseRequest
from avatar_appliance.leases import Urgency

from .shell import SimulatedShell


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a script yields to ask for a worker; it is sent the answer."""

    ladder: tuple[str, ...]
    urgency: Urgency
    wait_s: float = 2.0
    warm: tuple[str, ...] = ()
    client: str = ""


Script = Generator[Ask | float, Any, None]
"""Yields how many seconds to wait, or an `Ask`."""


class Clients:
    """Runs scripts on the virtual clock of a shell, and keeps their leases."""

    def __init__(self, shell: SimulatedShell) -> None:
        self._shell = shell
        self._asking: dict[LeaseId, tuple[Script, float, Urgency]] = {}
        self._held: dict[LeaseId, tuple[str, Urgency]] = {}
        self._count = 0
        self.waited_s: list[float] = []
        """How long each answer took."""
        shell.answered = self._answered

    def run(self, script: Script) -> None:
        """Begin a script."""
        self._go_on(script, None)

    def holds(self, lease_id: LeaseId) -> bool:
        """Return whether a lease still stands: its worker has not died."""
        return lease_id in self._held

    def tell(self, lease_id: LeaseId, urgency: Urgency) -> None:
        """Compute with other urgency, where the lease still stands."""
        if lease_id in self._held:
            self._held[lease_id] = self._held[lease_id][0], urgency
            self._shell.submit(ev.UrgencyChanged(lease_id, urgency))

    def release(self, lease_id: LeaseId) -> None:
        """Give a lease back, where it still stands."""
        if self._held.pop(lease_id, None) is not None:
            self._shell.submit(ev.Released(lease_id))

    def reconnect(self) -> None:
        """The control plane is back: declare what is held, and ask again for what was asked."""
        for lease_id, (worker, urgency) in list(self._held.items()):
            self._shell.submit(ev.Declared(lease_id, worker, urgency))
        asking, self._asking = self._asking, {}
        for lease_id, (script, _, _) in asking.items():
            text = "the coordinator was restarted"
            self._go_on(script, Deny(lease_id, "worker-loading", text, retry_after_s=0.0))

    def _go_on(self, script: Script, answer: Grant | Deny | None) -> None:
        try:
            wanted = script.send(answer)
        except StopIteration:
            return
        if isinstance(wanted, Ask):
            self._ask(script, wanted)
        else:
            self._shell.clock.after(wanted, lambda: self._go_on(script, None))

    def _ask(self, script: Script, ask: Ask) -> None:
        self._count += 1
        lease_id, now_s = f"lease-{self._count}", self._shell.clock.now_s
        self._asking[lease_id] = script, now_s, ask.urgency
        request = LeaseRequest(
            lease_id=lease_id,
            ladder=ask.ladder,
            urgency=ask.urgency,
            deadline_s=now_s + ask.wait_s,
            warm=ask.warm,
            client=ask.client,
        )
        self._shell.submit(ev.Requested(request))

    def _answered(self, answer: Grant | Deny | Revoke) -> None:
        lease_id = answer.lease_id
        if isinstance(answer, Revoke):
            self._held.pop(lease_id, None)
            return
        script, asked_s, urgency = self._asking.pop(lease_id)
        self.waited_s.append(self._shell.clock.now_s - asked_s)
        if isinstance(answer, Grant):
            self._held[lease_id] = answer.worker, urgency
        # Not from within: what the script does next is an event of its own.
        self._shell.clock.after(0.0, lambda: self._go_on(script, answer))
