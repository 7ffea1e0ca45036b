"""The owner's token is shown once and kept as a hash."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from avatar_appliance.admin.token import TOKEN_FILE, OwnerToken
from avatar_appliance.errors import ConfigError

CONFIGURED = "a-configured-token-of-32-letters"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "made" / "state"


def test_the_token_is_made_and_shown_once(state: Path) -> None:
    first = OwnerToken(state)
    assert not first.exists
    token = first.ensure()
    assert token is not None
    assert token.startswith("avatar_")
    assert len(token) == len("avatar_") + 43  # 256 bits
    assert first.exists
    assert first.ensure() is None
    assert OwnerToken(state).ensure() is None
    assert OwnerToken(state).verify(token.encode())


def test_only_a_private_hash_is_kept(state: Path) -> None:
    token = OwnerToken(state).ensure()
    assert token is not None
    assert [file.name for file in state.iterdir()] == [TOKEN_FILE]
    file = state / TOKEN_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert file.read_text() == hashlib.sha256(token.encode()).hexdigest() + "\n"


@pytest.mark.parametrize("wrong", [b"", b"avatar_", b"\xff\x00", b"a" * 100_000])
def test_nothing_else_is_the_token(state: Path, wrong: bytes) -> None:
    owner = OwnerToken(state)
    token = owner.ensure()
    assert token is not None
    assert not owner.verify(wrong)
    assert not owner.verify(token.encode() + b" ")
    assert not owner.verify(token.upper().encode())


def test_the_hash_itself_opens_nothing(state: Path) -> None:
    owner = OwnerToken(state)
    owner.ensure()
    assert not owner.verify((state / TOKEN_FILE).read_bytes().strip())


def test_each_token_is_another(tmp_path: Path) -> None:
    assert len({OwnerToken(tmp_path / str(number)).ensure() for number in range(20)}) == 20


def test_before_the_first_start_nothing_is_the_token(state: Path) -> None:
    assert not OwnerToken(state).verify(b"")


def test_a_renewal_by_another_process_takes_effect_at_once(state: Path) -> None:
    serving = OwnerToken(state)
    old = serving.ensure()
    assert old is not None
    assert serving.verify(old.encode())
    new = OwnerToken(state).renew()
    assert not serving.verify(old.encode())
    assert serving.verify(new.encode())
    assert stat.S_IMODE((state / TOKEN_FILE).stat().st_mode) == 0o600
    assert [file.name for file in state.iterdir()] == [TOKEN_FILE]


def test_a_removed_file_revokes_the_token(state: Path) -> None:
    owner = OwnerToken(state)
    token = owner.ensure()
    assert token is not None
    assert owner.verify(token.encode())
    (state / TOKEN_FILE).unlink()
    assert not owner.verify(token.encode())


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"not a hash", b"00" * 31, b"00" * 33])
def test_a_damaged_file_lets_nobody_in_and_says_so(
    state: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    owner = OwnerToken(state)
    token = owner.ensure()
    assert token is not None
    (state / TOKEN_FILE).write_bytes(damage)
    assert owner.ensure() is None
    assert "avatar token --renew" in caplog.text
    assert not owner.verify(token.encode())
    assert owner.verify(owner.renew().encode())


def test_who_is_second_to_make_the_first_token_gets_none(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes that start at once both see no file; the link decides who shows a token."""
    slow = OwnerToken(state)
    with monkeypatch.context() as patch:
        patch.setattr(OwnerToken, "exists", False)
        winner = OwnerToken(state).ensure()
        assert slow.ensure() is None
    assert winner is not None
    assert slow.verify(winner.encode())


def test_a_configured_token_takes_precedence_and_is_never_written(state: Path) -> None:
    made = OwnerToken(state).ensure()
    assert made is not None
    (state / TOKEN_FILE).unlink()
    owner = OwnerToken(state, SecretStr(CONFIGURED))
    assert owner.exists
    assert owner.ensure() is None
    assert owner.verify(CONFIGURED.encode())
    assert not owner.verify(made.encode())
    assert list(state.iterdir()) == []
    with pytest.raises(ConfigError, match=r"admin\.token"):
        owner.renew()


@pytest.mark.parametrize("weak", ["", "short", "has a space in the middle", "密碼密碼密碼密碼密碼密碼密碼密碼"])
def test_a_token_that_is_weak_or_unusable_is_refused_without_repeating_it(state: Path, weak: str) -> None:
    with pytest.raises(ConfigError) as raised:
        OwnerToken(state, SecretStr(weak))
    assert not weak or weak not in raised.value.text


def test_a_state_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be kept"):
        OwnerToken(tmp_path / "file").ensure()
