"""Machine facts and the command line: enough to judge a figure, nothing about who measured."""

from __future__ import annotations

import getpass
import platform
from pathlib import Path

from avatar_appliance.bench.command_line import public_command
from avatar_appliance.bench.machine import load_average, machine_facts


def test_processor_and_graphics_cards_are_read_from_proc(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Fast CPU 9000\nflags\t: fpu\n")
    card = tmp_path / "driver/nvidia/gpus/0000:01:00.0"
    card.mkdir(parents=True)
    (card / "information").write_text("Model: \t\t NVIDIA GeForce RTX 3090\nIRQ: 1\n")
    facts = machine_facts(tmp_path)
    assert (facts.cpu, facts.gpus) == ("Fast CPU 9000", ("NVIDIA GeForce RTX 3090",))


def test_what_proc_does_not_say_does_not_stop_the_report(tmp_path: Path) -> None:
    facts = machine_facts(tmp_path)
    assert facts.cpu == platform.machine()
    assert 1 <= facts.usable_cpus <= facts.cpus
    assert facts.memory_bytes > 2**20
    assert facts.gpus == ()


def test_the_facts_name_neither_host_nor_user() -> None:
    values = [value for value in machine_facts().model_dump().values() if isinstance(value, str)]
    assert platform.node() not in values
    assert getpass.getuser() not in values


def test_the_load_average_has_three_figures() -> None:
    assert len(load_average()) == 3


def test_folders_are_cut_off_the_command_line() -> None:
    command = [
        "/home/anna/.venv/bin/avatar",
        "bench",
        "/home/anna/recordings of us",
        "--peer-python=/opt/peer/bin/python",
    ]
    assert public_command(command) == "avatar bench 'recordings of us' --peer-python=python"


def test_hosts_are_replaced_and_loopback_is_not() -> None:
    command = ["avatar", "bench", "--host", "nas.lan", "--url=tcp:nas.lan", "--other", "127.0.0.1"]
    assert (
        public_command(command, ["nas.lan", "127.0.0.1"]) == "avatar bench --host HOST --url=tcp:HOST --other 127.0.0.1"
    )
