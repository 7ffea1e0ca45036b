"""age encryption of a stream that is written, or read, piece by piece.

pyrage pulls from a reader and pushes to a writer. A thread and a pipe turn that around for each direction, so that
gigabytes pass through without lying in memory, or unencrypted on a disk.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from .errors import BackupDamaged

if TYPE_CHECKING:
    from pyrage import x25519

_PIECE_BYTES = 64 * 1024


class _Pump:
    """Runs one pyrage call in a thread and keeps what it, or the file it works on, raised."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self._thread: threading.Thread | None = None

    def start(self, work: Callable[[], None]) -> None:
        self._thread = threading.Thread(target=self._run, args=(work,), name="age", daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits for this thread
            self.error = self.error or error

    def guard(self, call: Callable[[bytes], int]) -> Callable[[bytes], int]:
        """Return `call`, whose OSError is kept: pyrage would make a text of it."""

        def guarded(data: bytes) -> int:
            try:
                return call(data)
            except OSError as error:
                self.error = self.error or error
                raise

        return guarded

    def join(self) -> None:
        if self._thread is not None:
            self._thread.join()


class _Sink:
    """What pyrage wants of a file to write to."""

    def __init__(self, write: Callable[[bytes], int]) -> None:
        self.write = write

    def flush(self) -> None:
        """Do nothing: whoever opened the file flushes it."""


class EncryptedWriter(io.RawIOBase):
    """Encrypts for `identity` what is written to it, into `out`; a context manager, which ends the encryption."""

    def __init__(self, out: BinaryIO, identity: x25519.Identity) -> None:
        """Begin; `out` stays open when this is closed."""
        import pyrage  # heavy, and needed for encrypted backups only

        self._pump = pump = _Pump()
        source, self._end = os.pipe()
        recipients = [identity.to_public()]

        def encrypt() -> None:
            with os.fdopen(source, "rb", buffering=0) as reader:
                pyrage.encrypt_io(reader, _Sink(pump.guard(out.write)), recipients)

        pump.start(encrypt)

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: bytes, /) -> int:  # type: ignore[override]  # bytes are all that gzip writes
        """Take all of `data`; raises what the file behind this raises, such as OSError for a full disk."""
        if self.closed:  # its descriptor may be somebody else's by now
            raise ValueError("the encryption has ended")
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._end, view) :]
        except BrokenPipeError:
            self._pump.join()
            raise self._pump.error or BrokenPipeError from None
        return len(data)

    def close(self) -> None:
        """End the encryption and wait until everything is written; raises as `write` does."""
        if self.closed:
            return
        super().close()
        os.close(self._end)
        self._pump.join()
        if self._pump.error is not None:
            raise self._pump.error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except BaseException:
            if error is None:
                raise


class DecryptedReader(io.RawIOBase):
    """Gives what `source`, encrypted for `identity`, holds; a context manager, which ends the decryption.

    Every byte that comes out was authenticated. That nothing is missing is known only at the end: read to it.
    """

    def __init__(self, source: BinaryIO, identity: x25519.Identity) -> None:
        """Begin; `source` stays open when this is closed."""
        import pyrage  # heavy, and needed for encrypted backups only

        self._begin, target = os.pipe()

        def decrypt() -> None:
            with os.fdopen(target, "wb", buffering=0) as writer:
                pyrage.decrypt_io(source, _Sink(lambda data: _write_all(writer, data)), [identity])

        self._pump = _Pump()
        self._pump.start(decrypt)

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Read what has come; raises BackupDamaged where the source is cut off or changed."""
        data = os.read(self._begin, min(len(buffer), _PIECE_BYTES))
        if not data:
            self._pump.join()
            if self._pump.error is not None:
                raise BackupDamaged("the encrypted part of the backup is cut off or changed") from self._pump.error
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Stop decrypting."""
        if not self.closed:
            super().close()
            os.close(self._begin)
            self._pump.join()


def _write_all(writer: io.FileIO, data: bytes) -> int:
    view = memoryview(data)
    while view:
        view = view[writer.write(view) or 0 :]
    return len(data)
