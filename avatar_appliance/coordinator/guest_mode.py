"""Guest mode: somebody else (a game, a training run) shall have the GPU."""

from __future__ import annotations

from typing import Literal

from .account import DeviceAccount
from .device import DeviceId, is_gpu
from .policy import SchedulerPolicy

GuestSetting = Literal["on", "off", "auto"]


class GuestMode:
    """Says per GPU whether voice keeps off it. Set by people, or (`auto`) by what others hold there.

    `auto` begins when others hold `guest_share` of the GPU or a program of `guest_names` is on it, and ends when they
    have held less than half of that, and no such program was there, for `guest_linger_s`: a game that loads its next
    level must not find our models in its way.
    """

    def __init__(self, policy: SchedulerPolicy) -> None:
        self._policy = policy
        self.setting: GuestSetting = "auto"
        self.until_s: float | None = None
        self._guests: dict[DeviceId, str] = {}
        self._quiet_since_s: dict[DeviceId, float] = {}

    def set(self, setting: GuestSetting, until_s: float | None) -> None:
        """Take a person's wish; after `until_s` it is `auto` again."""
        self.setting, self.until_s = setting, until_s
        if setting != "auto":
            self._guests.clear()
            self._quiet_since_s.clear()

    def expire(self, now_s: float) -> bool:
        """Return to `auto` when the time is over; return whether it just was."""
        if self.until_s is None or now_s < self.until_s:
            return False
        self.set("auto", None)
        return True

    def why(self, device: DeviceId) -> str | None:
        """Return why voice keeps off the device, or None where it does not."""
        if not is_gpu(device) or self.setting == "off":
            return None
        if self.setting == "on":
            return "guest mode was switched on"
        return self._guests.get(device)

    def see(self, account: DeviceAccount, now_s: float) -> bool:
        """Look at a device; return whether its guest came or went."""
        device = account.device
        if self.setting != "auto" or not is_gpu(device) or account.usable_bytes <= 0:
            return False
        share = account.foreign_bytes / account.usable_bytes
        named = sorted(account.foreign_names & self._policy.guest_names)
        if named or share >= self._policy.guest_share:
            came = device not in self._guests
            self._guests[device] = named[0] if named else f"others hold {share:.0%} of the GPU"
            self._quiet_since_s.pop(device, None)
            return came
        if device not in self._guests:
            return False
        if share >= self._policy.guest_share / 2:
            self._quiet_since_s.pop(device, None)
            return False
        quiet_since_s = self._quiet_since_s.setdefault(device, now_s)
        if now_s - quiet_since_s < self._policy.guest_linger_s:
            return False
        del self._guests[device], self._quiet_since_s[device]
        return True
