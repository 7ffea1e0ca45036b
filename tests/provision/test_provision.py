"""From a bare Debian to a spoken turn, and everything that can happen to the machine after that.

`make test-provision` runs it (root; half an hour on two cores). The tests build on each other: after a failure, look
at the first one.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from provision_harness import Machine, Playbook, copy_of_the_checkout

BACK_WITHIN_S = 5.0
SERVERS = ("avatar-control", "avatar-wyoming@asr", "avatar-wyoming@tts", "avatar-wyoming@conversation")
WORKERS = ("avatar-worker@whisper-base", "avatar-worker@piper", "avatar-worker@chat")
SPEECH = Path(__file__).parents[1] / "data" / "speech"
BROKEN_MIGRATION = "CREATE TABLE from_the_future (id INTEGER PRIMARY KEY) STRICT;\n"

pytestmark = [pytest.mark.provision, pytest.mark.timeout(3600)]


def sings(machine: Machine, wait_s: int = 120) -> str:
    """Hold a spoken turn; fails where that fails."""
    return machine.run("avatar", "canary", "--wait", str(wait_s), timeout_s=wait_s + 120)


def main_pid(machine: Machine, unit: str) -> int:
    """The main process of a unit that is active, 0 where it is not."""
    said = machine.run("systemctl", "show", "--property=ActiveState,MainPID", f"{unit}.service")
    properties = dict(line.split("=", 1) for line in said.splitlines())
    return int(properties["MainPID"]) if properties["ActiveState"] == "active" else 0


def release(machine: Machine, link: str = "current") -> str:
    return machine.run("readlink", f"/opt/avatar/{link}").strip()


def test_a_rehearsal_on_the_bare_machine_goes_through(playbook: Playbook) -> None:
    rehearsal = playbook.play("site.yml", "--check", "--diff")
    assert rehearsal.ok, rehearsal.output


def test_a_bare_machine_becomes_one_that_speaks(machine: Machine, playbook: Playbook) -> None:
    first = playbook.play("site.yml")
    assert first.ok, first.output
    print(f"from bare to spoken: {first.seconds:.0f} s\n{sings(machine)}")


def test_the_machine_is_well(machine: Machine) -> None:
    assert machine.run("systemctl", "is-system-running").strip() == "running"
    assert machine.run("systemctl", "is-enabled", "avatar.target").strip() == "enabled"


def test_a_second_run_changes_nothing(playbook: Playbook) -> None:
    second = playbook.play("site.yml")
    assert second.ok, second.output
    assert second.changed == 0, second.changed_tasks
    print(f"second run: {second.seconds:.0f} s")


def test_a_rehearsal_finds_nothing_to_change(playbook: Playbook) -> None:
    rehearsal = playbook.play("site.yml", "--check", "--diff")
    assert rehearsal.ok, rehearsal.output
    assert rehearsal.changed == 0, rehearsal.changed_tasks


@pytest.mark.parametrize(
    ("unit", "signal"), [*((unit, "KILL") for unit in (*SERVERS, *WORKERS)), ("avatar-wyoming@asr", "TERM")]
)
def test_a_killed_process_is_back_and_the_next_turn_works(machine: Machine, unit: str, signal: str) -> None:
    before = main_pid(machine, unit)
    assert before
    machine.run("kill", f"-{signal}", str(before))
    limit_s = BACK_WITHIN_S if unit in SERVERS else 60.0  # a worker also has to load its model
    took_s = machine.wait_for(f"{unit} is back", lambda: main_pid(machine, unit) not in (0, before), limit_s)
    print(f"{unit}: back after {took_s:.1f} s")
    sings(machine)


@pytest.mark.parametrize("unit", ["avatar-control", "avatar-wyoming@tts"])
def test_a_process_that_hangs_is_started_anew(machine: Machine, unit: str) -> None:
    before = main_pid(machine, unit)
    machine.run("kill", "-STOP", str(before))
    took_s = machine.wait_for(f"{unit} is back", lambda: main_pid(machine, unit) not in (0, before), 90)
    print(f"{unit}: hung, back after {took_s:.1f} s")
    assert "Watchdog timeout" in machine.run("journalctl", "--boot", "--no-pager", f"--unit={unit}")
    sings(machine)


def test_the_service_can_ask_systemd_for_nothing_else(machine: Machine) -> None:
    for command in ("start ssh.service", "stop avatar-control.service", "daemon-reload", "enable avatar.target"):
        asked = ("systemctl", "--no-ask-password", *command.split())
        assert machine.try_run("runuser", "-u", "avatar", "--", *asked) is None, command
    assert machine.try_run("runuser", "-u", "avatar", "--", "systemd-run", "--no-ask-password", "true") is None


def test_after_a_reboot_it_speaks_by_itself(machine: Machine) -> None:
    machine.reboot()
    print(sings(machine))


def test_after_a_power_cut_it_speaks_by_itself_and_the_history_is_intact(machine: Machine) -> None:
    count = "import sqlite3; d = sqlite3.connect('/var/lib/avatar/avatar.db'); print(d.execute({!r}).fetchone()[0])"
    before = int(machine.run("python3", "-c", count.format("SELECT count(*) FROM turns")))
    assert before
    machine.cut_power()
    machine.start()
    sings(machine)
    assert machine.run("python3", "-c", count.format("PRAGMA integrity_check")).strip() == "ok"
    assert int(machine.run("python3", "-c", count.format("SELECT count(*) FROM turns"))) >= before


def test_a_wrong_configuration_is_refused_and_the_old_one_stays(machine: Machine, playbook: Playbook) -> None:
    before = machine.run("cat", "/etc/avatar/config.yaml")
    refused = playbook.play("site.yml", "--tags", "configure", config_settings={"asr": {"prot": 1}})
    assert not refused.ok
    assert "Did you mean port?" in refused.output
    assert machine.run("cat", "/etc/avatar/config.yaml") == before
    sings(machine)


def test_a_secret_reaches_the_units_and_nobody_else(machine: Machine, playbook: Playbook) -> None:
    token = "a-token-of-the-owner-0123456789abcdef"
    given = playbook.play("site.yml", "--diff", config_credentials={"avatar.admin.token": token})
    assert given.ok, given.output
    assert token not in given.output
    url, bearer = "http://127.0.0.1:8756/api/system/info", f"Bearer {token}"
    script = "import urllib.request as u; u.urlopen(u.Request({!r}, headers={{'Authorization': {!r}}}))"
    machine.run("python3", "-c", script.format(url, bearer))
    assert machine.try_run("runuser", "-u", "nobody", "--", "cat", "/etc/avatar/credentials/avatar.admin.token") is None
    taken_back = playbook.play("site.yml")
    assert taken_back.ok
    assert machine.run("ls", "/etc/avatar/credentials") == ""


def test_an_upgrade_that_cannot_speak_goes_back_by_itself(machine: Machine, playbook: Playbook, tmp_path: Path) -> None:
    broken = copy_of_the_checkout(tmp_path / "broken")
    (broken / "wyoming_servers/tts/__init__.py").write_text('raise RuntimeError("a broken release")\n')
    newest = max((broken / "avatar_appliance/store/migrations").glob("*.sql"))
    newest.with_name(f"{int(newest.name[:4]) + 1:04}_future.sql").write_text(BROKEN_MIGRATION)
    before, config = release(machine), machine.run("cat", "/etc/avatar/config.yaml")
    failed = playbook.play(
        "site.yml", appliance_checkout=str(broken), release_canary_wait_s=90, config_settings={"house": {"name": "New"}}
    )
    assert not failed.ok
    assert f"back on {before.removeprefix('releases/')}" in failed.output, failed.output
    assert "a broken release" in failed.output  # the journal of what failed is shown
    assert release(machine) == release(machine, "staged") == before
    assert machine.run("cat", "/etc/avatar/config.yaml") == config
    sings(machine)
    print(f"failed upgrade and way back: {failed.seconds:.0f} s")


def test_a_good_upgrade_keeps_the_release_before_it_and_can_be_undone(
    machine: Machine, playbook: Playbook, tmp_path: Path
) -> None:
    better = copy_of_the_checkout(tmp_path / "better")
    with (better / "avatar_appliance/paths.py").open("a") as file:
        file.write("\n# better\n")
    before = release(machine)
    upgrade = playbook.play("site.yml", appliance_checkout=str(better))
    assert upgrade.ok, upgrade.output
    assert release(machine) != before
    assert release(machine, "previous") == before
    sings(machine)
    back = playbook.play("rollback.yml")
    assert back.ok, back.output
    assert release(machine) == before
    sings(machine)
    print(f"upgrade: {upgrade.seconds:.0f} s, back: {back.seconds:.0f} s")


def test_the_optional_roles_work_and_change_nothing_the_second_time(machine: Machine, playbook: Playbook) -> None:
    wanted = {
        "site_firewall": True,
        "firewall_sources": ["10.213.0.0/16"],
        "site_mosquitto": True,
        "mosquitto_password": "long enough",
        "site_tls_front": True,
        "tls_front_name": "house.lan",
        "config_settings": {"admin": {"allowed_hosts": ["house.lan"]}},
    }
    first = playbook.play("site.yml", **wanted)
    assert first.ok, first.output
    second = playbook.play("site.yml", **wanted)
    assert second.changed == 0, second.changed_tasks
    assert machine.run("systemctl", "is-active", "mosquitto", "nginx", "avatar-firewall").split() == ["active"] * 3
    script = (
        "import ssl, urllib.request as u; c = ssl._create_unverified_context(); "
        "print(u.urlopen(u.Request('https://127.0.0.1:8757/health', headers={'Host': 'house.lan'}), context=c).status)"
    )
    assert machine.run("python3", "-c", script).strip() == "200"
    rules = json.loads(machine.run("nft", "--json", "list", "table", "inet", "avatar"))
    assert "10.213.0.0" in json.dumps(rules)


def test_a_backup_gives_a_second_machine_the_same_history_and_voices(machine: Machine, second: Machine) -> None:
    play = Playbook(second, copy_of_the_checkout(second.folder / "checkout")).play("site.yml")
    assert play.ok, play.output
    recording = "/var/lib/avatar/jfk.wav"  # nspawn's root is a folder here
    (machine.root / recording[1:]).write_bytes((SPEECH / "en_jfk.wav").read_bytes())
    machine.run("chown", "avatar:", recording)
    about = ("--name", "Jack", "--language", "en", "--consent-by", "Jack")
    # It says by its exit code that no worker here can speak in it; the profile is kept.
    machine.try_run("avatar", "voices", "add", recording, *about, timeout_s=300)
    before = belongings(machine)  # it goes on living while the other one is set up
    made = json.loads(machine.run("avatar", "backup", "create", "/var/lib/avatar/backups", "--audio", "--json"))
    file = Path(made["path"])
    there = second.root / "var/lib/avatar" / file.name
    there.write_bytes((machine.root / str(file)[1:]).read_bytes())
    second.run("chown", "avatar:", f"/{there.relative_to(second.root)}")
    second.run("systemctl", "stop", "avatar.target", "avatar.slice")
    second.run("avatar", "restore", f"/{there.relative_to(second.root)}")
    second.run("systemctl", "start", "avatar.target")
    sings(second)
    assert before <= belongings(second)


def belongings(machine: Machine) -> set[tuple[object, ...]]:
    """Turns, recordings and voices, as rows and files."""
    script = (
        "import sqlite3, json, pathlib, hashlib; d = sqlite3.connect('/var/lib/avatar/avatar.db'); "
        "rows = d.execute('SELECT id, started_at, transcript, answer FROM turns').fetchall(); "
        "rows += d.execute('SELECT id, name FROM voice_profiles').fetchall(); "
        "home = pathlib.Path('/var/lib/avatar'); "
        "rows += [(str(p.relative_to(home)), hashlib.sha256(p.read_bytes()).hexdigest()) "
        "for f in ('audio', 'voices') for p in (home / f).rglob('*.wav')]; print(json.dumps(rows))"
    )
    rows = {tuple(row) for row in json.loads(machine.run("python3", "-c", script))}
    assert [row for row in rows if "Jack" in row]
    assert [row for row in rows if str(row[0]).startswith("audio/")]
    return rows


def test_uninstalling_leaves_nothing(machine: Machine, playbook: Playbook) -> None:
    gone = playbook.play("uninstall.yml", uninstall_history="yes")
    assert gone.ok, gone.output
    left = machine.run("find", "/", "-xdev", "-iname", "*avatar*", "-not", "-path", "/var/log/*")
    assert left == ""
    assert machine.try_run("id", "avatar") is None
    assert "avatar" not in machine.run("systemctl", "list-units", "--all", "--no-legend")
    assert machine.run("systemctl", "is-system-running").strip() == "running"
    assert machine.try_run("nft", "list", "table", "inet", "avatar") is None
