"""The VRAM-aware coordinator: measured bytes, leases, ladders, guest mode.

Pure core, thin shell. `Scheduler` is a plain class without asyncio, clock or I/O: events in, actions out. `Coordinator`
is the one task that owns it: it reads the devices, carries the actions out and feeds their ends back as events. See
docs/coordinator.md.
"""

from __future__ import annotations
