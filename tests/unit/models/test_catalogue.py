"""The catalogue that ships, and the rules that keep a wrong one out."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from avatar_appliance.models import CatalogueInvalid, ModelUnknown, load_catalogue
from avatar_appliance.models.catalogue import HubSource, PackageSource

SHIPPED = load_catalogue()
SHA = "a" * 64
ENTRY: dict[str, Any] = {
    "name": "one",
    "role": "asr",
    "engine": "faster-whisper",
    "title": "One",
    "licence": "MIT",
    "languages": ["mul"],
    "ram_bytes": 1,
    "description": "d",
    "description_zh_tw": "說明",
    "default": True,
    "files": [
        {
            "path": "model.bin",
            "size_bytes": 5,
            "sha256": SHA,
            "sources": [{"kind": "hub", "repo": "a/b", "revision": "0" * 40, "filename": "m.bin"}],
        }
    ],
}


def _load(tmp_path: Path, *entries: dict[str, Any]) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text(yaml.safe_dump({"models": list(entries)}), encoding="utf-8")
    load_catalogue(file)


def _changed(path: str, value: Any) -> dict[str, Any]:
    entry = copy.deepcopy(ENTRY)
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place: Any = entry
    for step in steps:
        place = place[step]
    place[last] = value
    return entry


def test_the_defaults_cover_ear_brain_and_voice_once_each() -> None:
    assert sorted(model.role for model in SHIPPED.defaults()) == ["asr", "llm", "tts"]


@pytest.mark.parametrize("model", SHIPPED.defaults(), ids=lambda model: model.name)
def test_a_default_comes_from_the_hub_first_and_without_any_hub_from_packages(model: Any) -> None:
    for file in model.files:
        assert [type(source) for source in file.sources] == [HubSource, PackageSource]


@pytest.mark.parametrize("model", SHIPPED.models, ids=lambda model: model.name)
def test_a_shipped_model_is_named_for_both_languages_and_fits_its_engine(model: Any) -> None:
    assert any("一" <= sign <= "鿿" for sign in model.description_zh_tw)
    assert model.ram_bytes > 0
    assert model.size_bytes == sum(file.size_bytes for file in model.files) > 1_000_000
    paths = [file.path for file in model.files]
    wanted = {
        "faster-whisper": lambda: {"model.bin", "config.json", "tokenizer.json"} <= set(paths),
        "piper": lambda: [paths[0], paths[0] + ".json"] == paths and paths[0].endswith(".onnx"),
        "llama-cpp": lambda: len(paths) == 1 and paths[0].endswith(".gguf"),
        "f5-tts": lambda: {"vocab.txt", "vocos.bin"} <= set(paths) and paths[0].endswith(".safetensors"),
        "resemblyzer": lambda: paths == ["pretrained.pt"],
    }
    assert wanted[model.engine]()


@pytest.mark.parametrize("model", SHIPPED.models, ids=lambda model: model.name)
def test_the_parts_of_a_shipped_file_are_in_numeric_order_and_no_two_are_the_same(model: Any) -> None:
    for file in model.files:
        for source in file.sources:
            if isinstance(source, PackageSource) and len(source.parts) > 1:
                numbers = [int(part.requirement.partition("==")[0].rpartition("part")[2]) for part in source.parts]
                assert numbers == list(range(1, len(numbers) + 1))
                assert len({part.wheel_sha256 for part in source.parts}) == len(numbers)


def test_no_two_shipped_files_claim_the_same_hash_with_different_sizes() -> None:
    sizes: dict[str, int] = {}
    for file in (file for model in SHIPPED.models for file in model.files):
        assert sizes.setdefault(file.sha256, file.size_bytes) == file.size_bytes


def test_the_shipped_catalogue_names_no_host() -> None:
    """Where wheels and hub files come from is the machine's own configuration."""
    text = Path(load_catalogue.__code__.co_filename).with_name("catalogue.yaml").read_text(encoding="utf-8")
    assert "http" not in text


def test_an_unknown_name_says_where_the_names_are() -> None:
    with pytest.raises(ModelUnknown, match="whisper-huge") as caught:
        SHIPPED.get("whisper-huge")
    assert "avatar models list" in caught.value.hint


def test_a_good_catalogue_of_ones_own_loads(tmp_path: Path) -> None:
    _load(tmp_path, ENTRY)


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("licence_text", "x", "licence_text: Extra inputs"),
        ("files.0.sources.0.tag", "v1", "tag: Extra inputs"),
        ("files.0.sha256", "abc", "sha256"),
        ("files.0.sha256", SHA.upper(), "sha256"),
        ("files.0.size_bytes", 0, "size_bytes"),
        ("files.0.sources", [], "sources"),
        ("files.0.sources.0.kind", "ftp", "ftp"),
        ("files.0.sources.0.revision", "main", "revision"),
        ("files.0.path", "../model.bin", "plain relative path"),
        ("files.0.path", "/etc/model.bin", "plain relative path"),
        ("files.0.path", "a\\..\\model.bin", "plain relative path"),
        ("files.0.path", ".verified", "hidden"),
        ("name", "../one", "name"),
        ("engine", "torch", "engine"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_place(tmp_path: Path, path: str, value: Any, complaint: str) -> None:
    with pytest.raises(CatalogueInvalid, match=complaint.replace("[", r"\[")):
        _load(tmp_path, _changed(path, value))


@pytest.mark.parametrize("member", ["../../etc/passwd", "/etc/passwd", "data/../../x", "..\\x", ""])
def test_a_wheel_member_outside_its_wheel_is_refused(tmp_path: Path, member: str) -> None:
    part = {"requirement": "p==1", "wheel_sha256": SHA, "wheel_size_bytes": 9, "member": member}
    with pytest.raises(CatalogueInvalid, match="plain relative path"):
        _load(tmp_path, _changed("files.0.sources", [{"kind": "package", "parts": [part]}]))


@pytest.mark.parametrize("requirement", ["p", "p>=1", "p==1 --index-url=x", "p @ file:///x", "-r other.txt"])
def test_a_requirement_is_one_pinned_package_and_nothing_else(tmp_path: Path, requirement: str) -> None:
    part = {"requirement": requirement, "wheel_sha256": SHA, "wheel_size_bytes": 9, "member": "m"}
    with pytest.raises(CatalogueInvalid, match="requirement"):
        _load(tmp_path, _changed("files.0.sources", [{"kind": "package", "parts": [part]}]))


def test_two_models_of_one_name_and_two_defaults_of_one_role_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueInvalid, match="same name"):
        _load(tmp_path, ENTRY, ENTRY)
    with pytest.raises(CatalogueInvalid, match="more than one default"):
        _load(tmp_path, ENTRY, _changed("name", "two"))


def test_a_catalogue_that_is_not_yaml_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("models: [", encoding="utf-8")
    for name in ("broken.yaml", "absent.yaml"):
        with pytest.raises(CatalogueInvalid, match="cannot be read"):
            load_catalogue(tmp_path / name)
