"""Every template renders, for every variant, to something that its reader accepts."""

from __future__ import annotations

import configparser
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from roles import ANSIBLE, ROLES

from avatar_appliance.config import load_settings

TEMPLATES = sorted(path.relative_to(ANSIBLE / "roles") for path in ANSIBLE.glob("roles/*/templates/*.j2"))
SEEN = {
    "free_gb": {"/opt": 50.0, "/var": 50.0},
    "listeners": [],
    "gpus": 0,
    "driver": None,
    "driver_answers": False,
    "provisioned": False,
    "nouveau": False,
}
FACTS = {
    "distribution": "Debian",
    "distribution_version": "13.1",
    "distribution_major_version": "13",
    "distribution_release": "trixie",
    "architecture": "x86_64",
    "service_mgr": "systemd",
    "memtotal_mb": 16_000,
    "fqdn": "voice-box.lan",
    "kernel": "6.12.0-amd64",
}


def render(template: str, **variables: Any) -> str:
    """Return what `ROLE/templates/FILE` becomes with the role's own defaults and `variables`."""
    loader = DataLoader()
    role = ANSIBLE / "roles" / template.split("/")[0]
    known: dict[str, Any] = {"ansible_managed": "Ansible managed", "ansible_facts": FACTS, "playbook_dir": str(ANSIBLE)}
    for file in (role / "defaults/main.yml", role / "vars/main.yml"):
        if file.exists():
            known |= loader.load_from_file(str(file), trusted_as_template=True) or {}
    templar = Templar(loader, variables=known | variables)
    text = (ANSIBLE / "roles" / template).read_text("utf-8")
    return templar.template(trust_as_template(text)) or ""


def problems(**seen: Any) -> list[str]:
    return yaml.safe_load(render("preflight/templates/problems.yml.j2", preflight_seen=SEEN | seen)) or []


def test_the_empty_configuration_is_what_the_appliance_accepts(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(render("config/templates/config.yaml.j2"))
    settings = load_settings(file)
    assert settings.paths.state_dir == Path("/var/lib/avatar")


def test_a_configuration_keeps_what_the_owner_wrote(tmp_path: Path) -> None:
    wanted = {
        "house": {"name": "家", "languages": ["zh-TW", "en"]},
        "admin": {"allowed_hosts": ["voice-box.lan"]},
        "workers": {
            "far": {"engine": "wyoming", "wyoming_role": "asr", "uri": "tcp://192.0.2.7:10300"},
            "espeak": {"engine": "espeak-ng"},
            "chat": {"engine": "openai", "base_url": "http://192.0.2.7:8000/v1"},
        },
        "asr": {"workers": ["far"]},
        "tts": {"workers": ["espeak"]},
        "paths": {"state_dir": "/elsewhere"},
    }
    file = tmp_path / "config.yaml"
    file.write_text(render("config/templates/config.yaml.j2", config_settings=wanted))
    settings = load_settings(file)
    assert settings.house.name == "家"
    assert settings.asr.workers == ["far"]
    assert settings.paths.state_dir == Path("/var/lib/avatar")  # the units may write nowhere else


@pytest.mark.parametrize(
    ("unit", "given"),
    [
        ("avatar-control.service", ["avatar.admin.token", "avatar.home_assistant.token", "avatar.mqtt.password"]),
        ("avatar-wyoming@.service", ["avatar.home_assistant.token"]),
        ("avatar-backup.service", ["avatar.backup.passphrase"]),
    ],
)
def test_each_unit_gets_the_secrets_that_it_needs(unit: str, given: list[str]) -> None:
    secrets = dict.fromkeys(
        ("avatar.home_assistant.token", "avatar.admin.token", "avatar.backup.passphrase", "avatar.mqtt.password"), "x"
    )
    text = render("config/templates/credentials.conf.j2", item=unit, config_credentials=secrets)
    assert re.findall(r"^LoadCredential=(\S+):/etc/avatar/credentials/\1$", text, re.MULTILINE) == given


def test_without_secrets_a_unit_gets_none() -> None:
    assert "LoadCredential" not in render("config/templates/credentials.conf.j2", item="avatar-control.service")


def test_the_preflight_of_a_good_machine_finds_nothing() -> None:
    assert problems() == []
    assert not yaml.safe_load(render("preflight/templates/warnings.yml.j2", preflight_seen=SEEN))


@pytest.mark.parametrize(
    ("seen", "variables", "said"),
    [
        ({"free_gb": {"/opt": 1.0, "/var": 50.0}}, {}, "/opt has 1.0 GB free"),
        ({"listeners": [{"port": 10300, "program": "wyoming"}]}, {}, "Port 10300 is taken by wyoming"),
        ({}, {"preflight_gpu": "required"}, "No NVIDIA GPU"),
        ({"gpus": 1, "nouveau": True}, {"preflight_gpu": "required"}, "nouveau is loaded in its place"),
        ({}, {"ansible_facts": FACTS | {"distribution_major_version": "11"}}, "made for Debian 12"),
        ({}, {"ansible_facts": FACTS | {"distribution": "Fedora"}}, "made for Debian 12"),
        ({}, {"ansible_facts": FACTS | {"architecture": "armv7l"}}, "armv7l"),
        ({}, {"ansible_facts": FACTS | {"service_mgr": "docker-init"}}, "not systemd"),
        ({}, {"ansible_facts": FACTS | {"memtotal_mb": 900}}, "900 MiB of RAM"),
    ],
)
def test_the_preflight_names_each_problem(seen: dict[str, Any], variables: dict[str, Any], said: str) -> None:
    found = yaml.safe_load(render("preflight/templates/problems.yml.j2", preflight_seen=SEEN | seen, **variables))
    assert len(found) == 1
    assert said in found[0]


def test_the_preflight_names_all_problems_at_once() -> None:
    assert len(problems(free_gb={"/opt": 0.1, "/var": 0.1}, listeners=[{"port": 8756, "program": "x"}])) == 3


def test_a_full_disk_does_not_keep_a_provisioned_machine_from_being_changed() -> None:
    assert problems(free_gb={"/opt": 0.1, "/var": 0.1}, provisioned=True) == []


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ({"gpus": 1}, "no working driver"),
        ({"gpus": 1, "driver": "550.163.01", "driver_answers": True}, "older than 580"),
    ],
)
def test_the_preflight_warns(seen: dict[str, Any], said: str) -> None:
    [warning] = yaml.safe_load(render("preflight/templates/warnings.yml.j2", preflight_seen=SEEN | seen))
    assert said in warning


@pytest.mark.parametrize(
    "sources", [["192.168.1.0/24"], ["fd00::/8"], ["192.168.1.0/24", "10.0.0.0/8", "fd00::/8"]], ids=str
)
def test_the_firewall_lets_only_these_networks_in(sources: list[str]) -> None:
    rules = render("firewall/templates/firewall.nft.j2", firewall_sources=sources)
    assert all(source in rules for source in sources)
    assert ("ip saddr" in rules) == any("." in source for source in sources)
    assert ("ip6 saddr" in rules) == any(":" in source for source in sources)
    assert rules.rstrip().endswith("reject with tcp reset\n  }\n}")


@pytest.mark.parametrize("own", [True, False])
def test_the_tls_front_names_its_certificate(own: bool) -> None:
    given = {} if own else {"tls_front_certificate": "/etc/ssl/house.crt", "tls_front_key": "/etc/ssl/house.key"}
    text = render("tls_front/templates/avatar.conf.j2", **given)
    assert f"ssl_certificate {'/etc/avatar/tls/own.crt' if own else '/etc/ssl/house.crt'};" in text
    assert text.count("{") == text.count("}")


def test_the_tls_front_lets_recordings_through_and_says_where_the_browser_went() -> None:
    """The panel takes a change from its own pages only: the port belongs to where they come from."""
    text = render("tls_front/templates/avatar.conf.j2")
    assert "client_max_body_size 0;" in text
    assert "proxy_set_header Host $http_host;" in text


@pytest.mark.parametrize(
    "template",
    [
        "units/templates/limits.conf.j2",
        "firewall/templates/avatar-firewall.service.j2",
        "backup/templates/folder.conf.j2",
        "backup/templates/schedule.conf.j2",
    ],
)
def test_files_of_systemd_are_well_formed(template: str) -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.read_string(render(template))
    assert parser.sections()


@pytest.mark.parametrize(
    ("settings", "writable"),
    [
        ({}, []),
        ({"backup": {"keep": 3}}, []),
        ({"backup": {"folder": "/mnt/nas/avatar"}}, ["/mnt/nas/avatar"]),
    ],
)
def test_the_backup_may_write_where_the_configuration_wants_it_and_nowhere_else(
    settings: dict[str, Any], writable: list[str]
) -> None:
    text = render("backup/templates/folder.conf.j2", config_settings=settings)
    assert re.findall(r"^ReadWritePaths=(.*)$", text, re.MULTILINE) == writable
    [mount] = re.findall(r"^RequiresMountsFor=(.*)$", text, re.MULTILINE)
    assert mount == (writable or ["/var/lib/avatar/backups"])[0]


def test_the_schedule_replaces_that_of_the_unit() -> None:
    text = render("backup/templates/schedule.conf.j2", backup_on_calendar="Sun 04:00")
    assert re.findall(r"^OnCalendar=(.*)$", text, re.MULTILINE) == ["", "Sun 04:00"]


def test_the_broker_wants_a_password() -> None:
    text = render("mosquitto/templates/avatar.conf.j2", mosquitto_port=1884, mosquitto_address="192.0.2.1")
    assert "listener 1884 192.0.2.1" in text
    assert "allow_anonymous false" in text


def test_every_template_is_tried_here() -> None:
    here = Path(__file__).read_text("utf-8")
    assert [str(template) for template in TEMPLATES if str(template) not in here] == []
    assert {template.parts[0] for template in TEMPLATES} <= set(ROLES)


def test_the_same_password_gives_the_same_line_and_another_user_another() -> None:
    script = ANSIBLE / "roles/mosquitto/files/password_entry.py"

    def entry(user: str, password: str) -> str:
        command = ["python3", str(script), user]
        return subprocess.run(command, input=password, capture_output=True, text=True, check=True).stdout

    first = entry("avatar", "long enough")
    assert re.fullmatch(r"avatar:\$7\$\d+\$[A-Za-z0-9+/]{16}\$[A-Za-z0-9+/]{86}==\n", first)
    assert first == entry("avatar", "long enough")
    salts = {line.split("$")[3] for line in (first, entry("other", "long enough"), entry("avatar", "something else"))}
    assert len(salts) == 3
