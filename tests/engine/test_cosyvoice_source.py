"""The stand-in for CosyVoice has the names and parameters of the real source tree, where there is one to compare.

`make test-cosyvoice` has a checkout of the commit in avatar_appliance/engines/recipes.py; anywhere else
COSYVOICE_SOURCE names one. It is read, not imported.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import os
from pathlib import Path
from typing import Any

import pytest
from engine_fakes import fake_cosyvoice

from wyoming_servers.workers.cosy.recorded_step import RecordedStep
from wyoming_servers.workers.cosy.sampling import TokenSampler

FOUND = importlib.util.find_spec("cosyvoice")
LOCATIONS = (FOUND.submodule_search_locations if FOUND else None) or []
SOURCE = os.environ.get("COSYVOICE_SOURCE") or next((str(Path(each).parent) for each in LOCATIONS), None)
if SOURCE is None:
    pytest.skip("no checkout of CosyVoice here: `make test-cosyvoice`", allow_module_level=True)

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


def test_what_takes_the_place_of_upstream_s_functions_takes_what_they_take() -> None:
    sampling = ast.parse((CLI.parent / "utils/common.py").read_text("utf-8"))
    (upstream,) = [each for each in sampling.body if isinstance(each, ast.FunctionDef) and each.name == "ras_sampling"]
    ours = list(inspect.signature(TokenSampler.__call__).parameters)[1:]
    assert ours == [argument.arg for argument in upstream.args.args]
    step = list(inspect.signature(RecordedStep.forward_one_step).parameters)
    assert step == parameters("../llm/llm.py", ("Qwen2Encoder",), "forward_one_step")
    text = (CLI.parent / "llm/llm.py").read_text("utf-8")
    assert "self.sampling = sampling" in text
    assert "self.llm.forward_one_step(lm_input" in text
    assert "self.llm = llm" in text
