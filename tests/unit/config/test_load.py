"""Configuration: sources, their order, and messages an owner can act on."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from avatar_appliance.config import load_settings
from avatar_appliance.config.schema import config_schema
from avatar_appliance.config.show import HIDDEN, shown
from avatar_appliance.errors import ConfigError

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AVATAR_CONFIG", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def problem(file: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    return str(caught.value)


def test_no_file_gives_the_embedded_appliance() -> None:
    settings = load_settings()
    assert settings.asr.port == 10300
    assert {worker.role for worker in settings.workers.values()} == {"asr", "tts", "llm"}


def test_the_shipped_example_equals_the_defaults() -> None:
    """An owner who deletes the file, or never edits it, gets the same appliance."""
    example = load_settings(ROOT / "config.yaml")
    assert shown(example) == shown(load_settings())


def test_the_shipped_example_fits_the_generated_schema() -> None:
    jsonschema.validate(yaml.safe_load((ROOT / "config.yaml").read_text("utf-8")), config_schema())


def test_the_schema_in_docs_is_the_generated_one() -> None:
    """`make schema` writes it."""
    assert json.loads((ROOT / "docs/config.schema.json").read_text("utf-8")) == config_schema()


def test_the_schema_refuses_what_the_settings_refuse() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"asr": {"prot": 1}}, config_schema())


def test_sources_have_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """arguments > environment > systemd credentials > config.yaml > defaults."""
    file = write(tmp_path, "asr: {port: 1001}\ntts: {port: 1002}\nadmin: {port: 1003, token: from-file}\n")
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "avatar.admin.token").write_text("from-credential\n")
    (credentials / "avatar.tts.port").write_text("2002")
    (credentials / "somebody-elses").write_text("x")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    monkeypatch.setenv("AVATAR_TTS__PORT", "3002")
    monkeypatch.setenv("AVATAR_ADMIN__PORT", "3003")
    settings = load_settings(file, admin={"port": 4003})
    assert (settings.asr.port, settings.tts.port, settings.admin.port) == (1001, 3002, 4003)
    assert settings.admin.token is not None
    assert settings.admin.token.get_secret_value() == "from-credential"
    assert settings.conversation.port == 10500


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("asr:\n  prot: 5\n", ("config.yaml:2", "asr.prot", "unknown key", "Did you mean port?")),
        ("asr:\n  port: 700000\n", ("config.yaml:2", "asr.port", "65535", "700000")),
        ("asr: {port: 10200}\n", ("tts.port 10200 is taken by asr.port",)),
        ("workers:\n  x: {engine: pipr}\n", ("config.yaml:2", "workers.x.engine", "piper")),
        (
            "workers:\n  x: {engine: piper, voicess: []}\n",
            ("config.yaml:2", "workers.x.voicess", "Did you mean voices?"),
        ),
        ("tts: {workers: [nobody]}\n", ("tts.workers", "'nobody'", "piper, espeak")),
        ("tts: {workers: [chat]}\n", ("tts.workers", "role is llm, not tts")),
        ("workers:\n  y: {engine: wyoming, wyoming_role: asr, uri: 'http://x'}\n", ("workers.y.uri",)),
        ("host: my-box\n", ("config.yaml:1", "host")),
        ("a: [1\n", ("config.yaml:2",)),
        ("- 1\n", ("top level must be a mapping",)),
        ("asr: {port: 1}\nasr: {port: 2}\n", ("config.yaml:2", "asr is given twice")),
        ("house: {languages: []}\n", ("house.languages",)),
        ("house: {languages: [english please]}\n", ("house.languages.0",)),
    ],
)
def test_a_mistake_is_named_with_place_and_fix(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    message = problem(write(tmp_path, text))
    for word in words:
        assert word in message


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    message = problem(write(tmp_path, "asr: {port: 0}\ntts: {port: 0}\nnonsense: 1\n"))
    assert all(word in message for word in ("asr.port", "tts.port", "nonsense"))


def test_a_mistake_in_the_environment_is_named_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the value that is wrong, not with the one of the file below it."""
    monkeypatch.setenv("AVATAR_ASR__PORT", "many")
    message = problem(write(tmp_path, "asr: {port: 10666}\n"))
    assert message.startswith("environment: asr.port")
    assert "'many'" in message


@pytest.mark.parametrize("variable", ["AVATAR_WORKERS", "AVATAR_HOUSE", "AVATAR_HOUSE__LANGUAGES"])
def test_a_section_in_the_environment_that_is_no_json_is_named(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "{swordfish")
    with pytest.raises(ConfigError, match=variable) as caught:
        load_settings()
    assert "swordfish" not in str(caught.value)


@pytest.mark.parametrize("variable", ["AVATAR_HA_URL", "AVATAR_HA_TOKEN", "AVATAR_HA_BIND"])
def test_what_the_home_assistant_tests_take_is_left_alone(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """`make test-ha` fetches the models first, with these in its environment."""
    monkeypatch.setenv(variable, "x")
    assert load_settings().asr.port == 10300


@pytest.mark.parametrize(
    "files", [{"asr": b"1", "asr.port": b"1"}, {"admin.token": b"\xff\xfe"}], ids=["section and value", "not utf-8"]
)
def test_a_credential_that_cannot_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes]
) -> None:
    for name, content in files.items():
        (tmp_path / f"avatar.{name}").write_bytes(content)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(ConfigError, match=f"credential: avatar.{list(files)[-1]}"):
        load_settings()


def test_an_unknown_environment_variable_of_ours_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVATAR_ARS__PORT", "1")
    with pytest.raises(ConfigError, match="AVATAR_ARS__PORT") as caught:
        load_settings()
    assert "AVATAR_ASR" in caught.value.hint


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"a: \x00b\n", b"#" * (2**20 + 1)], ids=["not utf-8", "control", "huge"]
)
def test_a_file_that_is_no_configuration_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes(content)
    assert "config.yaml" in problem(file)


def test_a_missing_file_that_was_named_is_an_error(tmp_path: Path) -> None:
    assert "nowhere.yaml" in problem(tmp_path / "nowhere.yaml")


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "admin: {token: swordfish}\nworkers: {llm: {engine: openai, base_url: 'http://a/v1', api_key: swordfish},"
        " w: {engine: fake, fake_role: asr}, t: {engine: fake, fake_role: tts}}\n"
        "asr: {workers: [w]}\ntts: {workers: [t]}\nconversation: {workers: [llm]}\n",
    )
    settings = load_settings(file)
    text = json.dumps(shown(settings)) + repr(settings)
    assert "swordfish" not in text
    assert HIDDEN in text


def test_a_password_in_a_url_is_not_shown(tmp_path: Path) -> None:
    llm = "llm: {engine: openai, base_url: 'http://me:swordfish@a:8000/v1'}"
    workers = f"workers: {{{llm}, w: {{engine: fake, fake_role: asr}}, t: {{engine: fake, fake_role: tts}}}}"
    file = write(
        tmp_path, f"{workers}\nasr: {{workers: [w]}}\ntts: {{workers: [t]}}\nconversation: {{workers: [llm]}}\n"
    )
    assert shown(load_settings(file))["workers"]["llm"]["base_url"] == "http://(hidden)@a:8000/v1"


def test_a_wrong_secret_is_not_quoted(tmp_path: Path) -> None:
    assert "12345678" not in problem(write(tmp_path, "admin: {token: 12345678}\n"))
    file = write(tmp_path, "workers:\n  y: {engine: wyoming, wyoming_role: asr, uri: 'http://me:12345678@x'}\n")
    assert "workers.y.uri" in problem(file)
    assert "12345678" not in problem(file)
