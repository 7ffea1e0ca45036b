"""How a server of ours is asked whether it really stopped computing: hanging up cancels, but engines take their time.

`avatar-wait-idle` is answered with `avatar-idle` once every request that has ended by then computes no more. Other
Wyoming servers ignore it, as they do any unknown event.
"""

from __future__ import annotations

from wyoming.event import Event

WAIT_IDLE = Event("avatar-wait-idle")
IDLE = Event("avatar-idle")
