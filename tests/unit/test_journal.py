"""What the journal gets, byte for byte, and what happens where it takes nothing."""

from __future__ import annotations

import functools
import io
import logging
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from avatar_appliance import log
from avatar_appliance.journal import MAX_MESSAGE_BYTES, JournalHandler, entry, is_journal
from avatar_appliance.log import connection_log, set_up_logging


def read(datagram: bytes) -> dict[str, str]:
    """Read an entry as journald does."""
    fields = {}
    while datagram:
        line, _, datagram = datagram.partition(b"\n")
        key, equals, value = line.partition(b"=")
        if not equals:
            [length] = struct.unpack("<Q", datagram[:8])
            value, datagram = datagram[8 : 8 + length], datagram[9 + length :]
        fields[key.decode()] = value.decode()
    return fields


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "journal"))
        server.settimeout(10)
        yield server


@pytest.fixture
def stderr() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def logger(tmp_path: Path, stderr: io.StringIO) -> Iterator[logging.Logger]:
    handler = JournalHandler("avatar-asr", fallback=logging.StreamHandler(stderr), path=tmp_path / "journal")
    logger = logging.getLogger("tests.journal")
    logger.propagate = False
    logger.addHandler(handler)
    yield logger
    logger.removeHandler(handler)
    handler.close()


def test_an_entry_has_fields(journald: socket.socket, logger: logging.Logger) -> None:
    logger.warning("%d turns", 3, extra={"connection": "c12"})
    fields = read(journald.recv(10_000))
    assert fields.pop("CODE_FILE") == __file__
    assert int(fields.pop("CODE_LINE"))
    assert fields == {
        "MESSAGE": "3 turns",
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "avatar-asr",
        "LOGGER": "tests.journal",
        "CONNECTION": "c12",
        "CODE_FUNC": "test_an_entry_has_fields",
    }


def test_line_breaks_cannot_make_a_field(journald: socket.socket, logger: logging.Logger) -> None:
    logger.warning("one\nPRIORITY=0\n二")
    fields = read(journald.recv(10_000))
    assert fields["MESSAGE"] == "one\nPRIORITY=0\n二"
    assert fields["PRIORITY"] == "4"


def test_a_huge_message_is_cut(journald: socket.socket, logger: logging.Logger) -> None:
    logger.warning("x" * 10_000_000)
    assert len(read(journald.recv(1_000_000))["MESSAGE"]) == MAX_MESSAGE_BYTES


def test_without_journald_the_line_goes_to_stderr(logger: logging.Logger, stderr: io.StringIO) -> None:
    logger.warning("still heard")
    assert stderr.getvalue() == "still heard\n"


def test_a_full_queue_holds_nobody_up(journald: socket.socket, logger: logging.Logger, stderr: io.StringIO) -> None:
    for number in range(3000):
        logger.warning("%d %s", number, "x" * 1000)
    assert "2999 x" in stderr.getvalue()


def test_only_the_stream_that_systemd_named_is_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "file").open("w") as file, (tmp_path / "other").open("w") as other:
        status = os.fstat(file.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        assert is_journal(file.fileno())
        assert not is_journal(other.fileno())
        monkeypatch.delenv("JOURNAL_STREAM")
        assert not is_journal(file.fileno())
    assert not is_journal(10**6)


def test_a_service_logs_to_the_journal_with_its_connection(
    journald: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = os.fstat(2)
    monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
    monkeypatch.setattr(log, "JournalHandler", functools.partial(JournalHandler, path=tmp_path / "journal"))
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        set_up_logging("INFO", "tts")
        with connection_log("c7"):
            logging.getLogger("x").info("hello")
        fields = read(journald.recv(10_000))
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers[:] = before
        root.setLevel(level)
    assert fields["MESSAGE"] == "[c7] x: hello"
    assert (fields["CONNECTION"], fields["SYSLOG_IDENTIFIER"]) == ("c7", "avatar-tts")


def test_a_value_may_be_bytes() -> None:
    assert entry({"A": b"\xff", "B": "b"}) == b"A=\xff\nB=b\n"
