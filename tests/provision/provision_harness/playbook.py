"""Runs the playbooks of `ansible/` and reads their recap."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .machine import Machine

ANSIBLE = Path(__file__).parents[3] / "ansible"


@dataclass(frozen=True, slots=True)
class PlayResult:
    """How a run ended, for one machine."""

    ok: bool
    changed: int
    failed: int
    rescued: int
    seconds: float
    output: str

    @property
    def changed_tasks(self) -> list[str]:
        """The tasks that changed something."""
        task, found = "", []
        for line in self.output.splitlines():
            if line.startswith(("TASK [", "RUNNING HANDLER [")):
                task = line.split("[", 1)[1].split("]")[0]
            elif line.startswith("changed:"):
                found.append(task)
        return found


class Playbook:
    """Plays against one machine."""

    def __init__(self, machine: Machine, checkout: Path) -> None:
        """`checkout` is played unless `appliance_checkout` says otherwise: a copy, which does not change meanwhile."""
        self._machine = machine
        self._checkout = checkout
        self._inventory = machine.folder / "inventory.ini"
        self._inventory.write_text(machine.inventory("avatar"))

    def play(self, playbook: str, *arguments: str, timeout_s: float = 2400, **variables: Any) -> PlayResult:
        """Run `playbook`; `variables` are extra variables."""
        command = [
            *(str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(self._inventory), *arguments),
            *("-e", json.dumps({"appliance_checkout": str(self._checkout), **variables})),
            playbook,
        ]
        environment = os.environ | {"ANSIBLE_CONFIG": str(ANSIBLE / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
        started = time.monotonic()
        done = subprocess.run(
            command,
            cwd=ANSIBLE,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        recap = re.search(rf"^{self._machine.name} +: (.*)$", done.stdout, re.MULTILINE)
        counts = dict(re.findall(r"(\w+)=(\d+)", recap.group(1))) if recap else {}
        return PlayResult(
            ok=done.returncode == 0,
            changed=int(counts.get("changed", 0)),
            failed=int(counts.get("failed", 1)),
            rescued=int(counts.get("rescued", 0)),
            seconds=time.monotonic() - started,
            output=done.stdout,
        )
