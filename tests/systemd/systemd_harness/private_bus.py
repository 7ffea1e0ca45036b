"""A message bus of its own, as free of rules as a session's."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import Self

DAEMON = shutil.which("dbus-daemon") or "/usr/bin/dbus-daemon"
_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
"""


class PrivateBus:
    """A dbus-daemon under `folder` (a short path), from entering to leaving `async with`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.address = f"unix:path={folder}/bus"
        self._daemon: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        (self._folder / "bus.conf").write_text(_CONFIG.format(socket=self._folder / "bus"))
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start it (again, at the same address); return when it listens."""
        (self._folder / "bus").unlink(missing_ok=True)
        listening, tell = os.pipe()
        try:
            self._daemon = await asyncio.create_subprocess_exec(
                DAEMON, f"--config-file={self._folder}/bus.conf", "--nofork", "--nopidfile", f"--print-address={tell}",
                pass_fds=[tell],
            )  # fmt: skip
            os.close(tell)
            assert await asyncio.to_thread(os.read, listening, 1), "dbus-daemon did not start"
        finally:
            os.close(listening)

    async def stop(self) -> None:
        """End it under its clients."""
        if self._daemon is not None:
            self._daemon.kill()
            await self._daemon.wait()
            self._daemon = None
