"""The stand-in for CosyVoice has the names and parameters of the real source tree, where there is one to compare.

`COSYVOICE_SOURCE=FOLDER make test-engines` with a checkout of the commit in avatar_appliance/engines/recipes.py. It is
read, not imported.
"""

from __future__ import annotations

import ast
import inspect
import os
from pathlib import Path
from typing import Any

import pytest
from engine_fakes import fake_cosyvoice

SOURCE = os.environ.get("COSYVOICE_SOURCE")
if SOURCE is None:
    pytest.skip("COSYVOICE_SOURCE names no checkout of CosyVoice", allow_module_level=True)

CLI = Path(SOURCE) / "cosyvoice/cli"


def parameters(file: str, names: tuple[str, ...], function: str) -> list[str]:
    """The parameters of a method, from the first of the classes that defines it."""
    tree = ast.parse((CLI / file).read_text("utf-8"))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    for name in names:
        for node in classes[name].body:
            if isinstance(node, ast.FunctionDef) and node.name == function:
                return [argument.arg for argument in node.args.args]
    raise AssertionError(f"{names} have no {function}")


@pytest.mark.parametrize(
    ("file", "classes", "stand_in", "function"),
    [
        ("model.py", ("CosyVoice2Model", "CosyVoiceModel"), fake_cosyvoice.FakeModel, "llm_job"),
        ("model.py", ("CosyVoice2Model",), fake_cosyvoice.FakeModel, "token2wav"),
        ("model.py", ("CosyVoice3Model",), fake_cosyvoice.FakeModel, "token2wav"),
        ("frontend.py", ("CosyVoiceFrontEnd",), fake_cosyvoice.FakeFrontEnd, "frontend_zero_shot"),
        ("cosyvoice.py", ("CosyVoice2", "CosyVoice"), fake_cosyvoice.FakeCosyVoice2, "add_zero_shot_spk"),
    ],
)
def test_methods_take_what_upstream_s_take(file: str, classes: tuple[str, ...], stand_in: Any, function: str) -> None:
    assert list(inspect.signature(getattr(stand_in, function)).parameters) == parameters(file, classes, function)


def test_every_attribute_of_the_model_that_is_used_is_upstream_s() -> None:
    text = (CLI / "model.py").read_text("utf-8")
    for name in ("lock", "tts_speech_token_dict", "llm_end_dict", "hift_cache_dict", "token_hop_len"):
        assert f"self.{name} = " in text
        assert hasattr(fake_cosyvoice.FakeModel(), name)
    assert "self.tts_speech_token_dict[uuid].append(i)" in text  # so that a list with a bell can hear it
    assert "load_wav(" in (CLI / "frontend.py").read_text("utf-8")
    assert "spk2info[zero_shot_spk_id]" in (CLI / "cosyvoice.py").read_text("utf-8")
