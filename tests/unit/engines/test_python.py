"""Which Python an environment is built with."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from avatar_appliance.engines import EngineRecipe, PythonUnsuitable
from avatar_appliance.engines.python import choose_python

Make = Callable[..., EngineRecipe]


@pytest.fixture
def old_python(tmp_path: Path) -> Path:
    """A program that says it is Python 3.9."""
    program = tmp_path / "python3.9"
    program.write_text(f"#!/bin/sh\necho '[\"{program}\", [3, 9, 2], false]'\n")
    program.chmod(0o755)
    return program


def test_ours_is_taken_where_it_fits_and_is_the_one_below_our_environment(recipe: Make) -> None:
    found = choose_python(recipe())
    assert found.version == sys.version_info[:2]
    assert found.executable.resolve() == Path(sys._base_executable).resolve()  # type: ignore[attr-defined]


def test_one_that_is_too_old_is_refused_by_name(recipe: Make, old_python: Path) -> None:
    here = ".".join(map(str, sys.version_info[:2]))
    with pytest.raises(PythonUnsuitable, match=rf"Tiny needs Python {here} to {here}; {old_python} is Python 3\.9\.2"):
        choose_python(recipe(), str(old_python))


def test_where_ours_does_not_fit_another_of_the_machine_is_taken(
    recipe: Make, old_python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(old_python.parent))
    found = choose_python(recipe(oldest_python=(3, 8), newest_python=(3, 9)))
    assert (found.executable, found.version, found.has_headers) == (old_python, (3, 9), False)


def test_where_none_fits_it_says_what_there_is(recipe: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(PythonUnsuitable, match=r"needs Python 3\.98 to 3\.99; .* is 3\.") as caught:
        choose_python(recipe(oldest_python=(3, 98), newest_python=(3, 99)))
    assert "--python" in caught.value.hint


@pytest.mark.parametrize("wanted", ["/nowhere/python", "true", "false"])
def test_what_is_no_python_is_named(recipe: Make, wanted: str) -> None:
    with pytest.raises(PythonUnsuitable, match=f"{wanted} is no Python"):
        choose_python(recipe(), wanted)
