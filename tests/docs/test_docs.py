"""The docs say what the code does: codes, options, commands and links are compared."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
import yaml

import avatar_appliance
import wyoming_servers
from avatar_appliance.cli.app import app
from avatar_appliance.config import Settings
from avatar_appliance.config.reference import config_reference
from avatar_appliance.errors import AvatarError

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])


def text(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def every_error(kind: type[AvatarError] = AvatarError) -> Iterator[type[AvatarError]]:
    for child in kind.__subclasses__():
        yield child
        yield from every_error(child)


def import_everything() -> None:
    for package in (avatar_appliance, wyoming_servers):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)


def documented_codes() -> dict[str, str]:
    return dict(re.findall(r"^\| `([a-z-]+)` \| (yes|no) \|", text("docs/errors.md"), flags=re.MULTILINE))


def test_every_error_code_is_documented_and_none_is_invented() -> None:
    import_everything()
    product = {e for e in every_error() if e.__module__.startswith(("avatar_appliance", "wyoming_servers"))}
    in_code = {error.code: "yes" if error.retryable else "no" for error in product}
    in_code[AvatarError.code] = "no"
    assert documented_codes() == in_code


def test_error_codes_are_kebab_case() -> None:
    import_everything()
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", error.code) for error in every_error())


def test_the_configuration_page_is_the_generated_one() -> None:
    """`make schema` writes it."""
    assert text("docs/configuration.md") == config_reference()


def commands() -> list[str]:
    importlib.import_module("avatar_appliance.cli.commands")
    found: list[str] = []

    def walk(command: object, prefix: str) -> None:
        children = getattr(command, "commands", None)
        if children is None:
            found.append(prefix.strip())
            return
        for name, child in children.items():
            if not getattr(child, "hidden", False):
                walk(child, f"{prefix} {name}")

    walk(typer.main.get_command(app), "")
    return found


def test_every_command_is_in_the_command_line_page() -> None:
    page = text("docs/command-line.md")
    assert [name for name in commands() if f"`avatar {name}" not in page] == []


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", text("Makefile"), flags=re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)", "".join(page.read_text("utf-8") for page in PAGES)))
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), f"{page.name} -> {target}"


def test_the_configuration_in_the_readme_is_accepted() -> None:
    """The second part is to be added to the first."""
    whole: dict[str, dict[str, object]] = {}
    for block in re.findall(r"^```yaml\n(.*?)^```", text("README.md"), flags=re.MULTILINE | re.DOTALL):
        for section, values in yaml.safe_load(block).items():
            whole[section] = {**whole.get(section, {}), **values}
    settings = Settings.from_sources(whole, {})
    assert settings.tts.workers == ["studio", "fast", "piper", "espeak"]


def test_the_readme_stays_short() -> None:
    assert len(text("README.md").splitlines()) < 300


def test_decisions_fit_on_a_screen() -> None:
    for page in (ROOT / "docs/decisions").glob("*.md"):
        assert len(page.read_text("utf-8").splitlines()) <= 45, page.name
        assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", page.name)
