"""What a role says that it takes is what it takes, with the same defaults, and the docs say it as well."""

from __future__ import annotations

import re
import runpy

import pytest
import yaml
from roles import ANSIBLE, ROLES, ROOT, load, options


@pytest.mark.parametrize("role", ROLES)
def test_every_default_is_described_and_every_description_has_its_default(role: str) -> None:
    described = {name: option.get("default") for name, option in options(role).items()}
    assert described == load(role, "defaults/main.yml")


@pytest.mark.parametrize("role", ROLES)
def test_every_option_has_a_type_a_prefix_and_says_what_it_is_for(role: str) -> None:
    for name, option in options(role).items():
        assert name.startswith(f"{role}_")
        assert option["type"]
        assert " ".join(option["description"]).rstrip().endswith(".")
        assert option["type"] != "list" or option["elements"]


@pytest.mark.parametrize("role", ROLES)
def test_every_role_is_played_and_says_on_what(role: str) -> None:
    [play] = yaml.safe_load((ANSIBLE / "site.yml").read_text("utf-8"))
    assert role in [entry["role"] for entry in play["roles"]]
    platforms = {entry["name"]: entry["versions"] for entry in load(role, "meta/main.yml")["galaxy_info"]["platforms"]}
    assert platforms == {"Debian": ["bookworm", "trixie"], "Ubuntu": ["noble"]}


def test_every_entry_point_has_tasks() -> None:
    for role in ROLES:
        for entry in load(role, "meta/argument_specs.yml")["argument_specs"]:
            assert (ANSIBLE / "roles" / role / "tasks" / f"{entry}.yml").exists()


def test_every_role_of_the_play_has_a_tag() -> None:
    [play] = yaml.safe_load((ANSIBLE / "site.yml").read_text("utf-8"))
    assert {tag for entry in play["roles"] for tag in entry["tags"]} == {"always", "install", "configure", "run"}


def test_the_page_of_variables_is_the_generated_one() -> None:
    """`make schema` writes it."""
    page = runpy.run_path(str(ROOT / "scripts/ansible-reference"))["reference"]()
    assert (ROOT / "docs/ansible.md").read_text("utf-8") == page


def test_the_example_inventory_names_no_variable_that_nobody_reads() -> None:
    text = (ANSIBLE / "inventory/example.yml").read_text("utf-8")
    play = (ANSIBLE / "site.yml").read_text("utf-8")
    known = {name for role in ROLES for name in options(role)} | set(re.findall(r"\bsite_\w+", play))
    named = re.findall(r"^ {4}(?:# )?([a-z]+_[a-z_]+):", text, re.MULTILINE)
    assert len(named) > 5
    assert set(named) <= known
