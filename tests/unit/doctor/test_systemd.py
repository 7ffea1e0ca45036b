"""What systemd says of the units, by a `systemctl` of the test's."""

from __future__ import annotations

from pathlib import Path

import pytest

from avatar_appliance.doctor.finding import Finding, Severity
from avatar_appliance.doctor.systemd import systemd


class Machine:
    """A machine whose tools print what the test wants."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.booted = folder / "booted"
        self.booted.mkdir()
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        self.units = {
            "avatar.target": ("loaded", "active", "enabled", ""),
            "avatar-control.service": ("loaded", "active", "static", "success"),
            "polkit.service": ("loaded", "inactive", "static", "success"),
        }
        self.clock = "yes"

    async def look(self) -> list[Finding]:
        cases = "".join(
            f"{unit}) printf 'Id={unit}\\nLoadState={load}\\nActiveState={active}\\nUnitFileState={file}\\n"
            f"Result={result}\\n' ;;\n"
            for unit, (load, active, file, result) in self.units.items()
        )
        self._tool("systemctl", f'for last; do :; done\ncase "$last" in\n{cases}esac')
        self._tool("timedatectl", f"echo {self.clock}")
        return [finding async for finding in systemd(self.booted)]

    def _tool(self, name: str, body: str) -> None:
        file = self.folder / name
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


async def test_a_healthy_machine_has_one_good_line(machine: Machine) -> None:
    [finding] = await machine.look()
    assert (finding.severity, finding.text) == (Severity.FINE, "2 units are up, none has failed")


async def test_a_failed_unit_is_named_with_the_command_that_tells_why(machine: Machine) -> None:
    machine.units["avatar-control.service"] = ("loaded", "failed", "static", "oom-kill")
    [finding] = await machine.look()
    assert finding.severity is Severity.PROBLEM
    assert "avatar-control.service has failed (oom-kill)" in finding.text
    assert "journalctl -u avatar-control.service" in finding.fix


async def test_what_does_not_start_with_the_machine_is_told(machine: Machine) -> None:
    machine.units["avatar.target"] = ("loaded", "active", "disabled", "")
    assert "systemctl enable avatar.target" in (await machine.look())[0].fix


async def test_a_missing_polkit_is_a_problem(machine: Machine) -> None:
    machine.units["polkit.service"] = ("not-found", "inactive", "", "success")
    assert [finding.check for finding in await machine.look() if finding.severity is Severity.PROBLEM] == ["polkit"]


async def test_a_clock_that_nobody_sets_is_told(machine: Machine) -> None:
    machine.clock = "no"
    assert (await machine.look())[-1].check == "clock"


async def test_where_systemd_does_not_know_us_there_is_nothing_to_say(machine: Machine) -> None:
    machine.units["avatar.target"] = ("not-found", "inactive", "", "")
    assert await machine.look() == []


async def test_where_systemd_does_not_run_there_is_nothing_to_say(machine: Machine) -> None:
    machine.booted.rmdir()
    assert await machine.look() == []
