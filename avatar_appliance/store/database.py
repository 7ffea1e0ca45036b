"""One writer, one reader: the only two connections to `avatar.db`.

Coroutines that share a connection share its transaction: the rollback of one loses the insert of another.
So all writes go through `async with database.transaction()`, one at a time, and queries use a second
connection that can only read.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from avatar_appliance.errors import ShuttingDown

from .errors import DatabaseDamaged, StoreUnavailable, translated
from .schema import Migration, load_migrations, migrate

_T = TypeVar("_T")

Parameters = Sequence[Any]
Row = sqlite3.Row

_OLDEST_SQLITE = (3, 37, 0)  # the first with STRICT tables (and with the trigram tokenizer)


class Transaction:
    """What a writer may do between BEGIN and COMMIT; dead after the `async with` block ends."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        """Use `connection`, inside whose transaction we are."""
        self._connection: aiosqlite.Connection | None = connection

    async def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """Run one statement and return how many rows it changed."""
        with translated():
            cursor = await self._open().execute(sql, parameters)
            changed = cursor.rowcount
            await cursor.close()
        return changed

    async def execute_many(self, sql: str, rows: Iterable[Parameters]) -> None:
        """Run one statement for each row."""
        with translated():
            cursor = await self._open().executemany(sql, rows)
            await cursor.close()

    async def fetch_all(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Return all rows, including what this transaction wrote."""
        with translated():
            return list(await self._open().execute_fetchall(sql, parameters))

    def end(self) -> None:
        """Refuse further use."""
        self._connection = None

    def _open(self) -> aiosqlite.Connection:
        if self._connection is None:
            raise RuntimeError("this transaction is over")
        return self._connection


class Database:
    """The SQLite file of the control plane; made by `Database.open`."""

    def __init__(
        self, path: Path, writer: aiosqlite.Connection, reader: aiosqlite.Connection, *, created: bool
    ) -> None:
        """Use two ready connections; `created` says that the file was empty before."""
        self.path = path
        self.created = created
        self._writer = writer
        self._reader = reader
        self._write_lock = asyncio.Lock()
        self._writing_task: asyncio.Task[Any] | None = None
        self._closed = False

    @classmethod
    @asynccontextmanager
    async def open(
        cls, path: Path, *, busy_timeout_s: float = 5.0, migrations: tuple[Migration, ...] | None = None
    ) -> AsyncIterator[Database]:
        """Open (create, migrate) the file at `path`; never deletes anything.

        Raises DatabaseTooNew, DatabaseDamaged, DatabaseBusy, DiskFull or StoreUnavailable.
        """
        if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
            raise StoreUnavailable(
                f"SQLite {sqlite3.sqlite_version} is too old, 3.37 or newer is needed",
                hint="Use a newer Python build or operating system.",
            )
        path = _create_private(path)
        # The stack closes both connections whatever happens: an open one keeps its thread and the process.
        async with AsyncExitStack() as stack:
            writer = await _connect(stack, str(path), busy_timeout_s)
            await _prepare_writer(writer, busy_timeout_s)
            old_version = await migrate(writer, load_migrations() if migrations is None else migrations)
            reader = await _connect(stack, f"{path.as_uri()}?mode=ro", busy_timeout_s)
            with translated():
                await reader.execute_fetchall("PRAGMA query_only = ON")
            database = cls(path, writer, reader, created=old_version == 0)
            try:
                yield database
            finally:
                await uncancelled(database._close())

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Be the one writer: commits at the end, rolls back on any exception, cancellation included.

        A cancellation that arrives while COMMIT runs is delivered after it: the rows are then kept.
        """
        if self._writing_task is asyncio.current_task():
            raise RuntimeError("transactions do not nest: pass the open one on")
        async with self._write_lock:
            if self._closed:
                raise ShuttingDown("the database is closed")
            self._writing_task = asyncio.current_task()
            transaction = Transaction(self._writer)
            try:
                with translated():
                    await self._writer.execute_fetchall("BEGIN IMMEDIATE")
                    yield transaction
                    transaction.end()
                    await uncancelled(self._writer.commit())
            except BaseException:
                transaction.end()
                # Queued behind whatever the connection's thread still does, also a BEGIN nobody waits for.
                await uncancelled(self._writer.rollback())
                raise
            finally:
                self._writing_task = None

    async def fetch_all(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Return all rows of a query over committed data, on the read-only connection."""
        if self._closed:
            raise ShuttingDown("the database is closed")
        with translated():
            return list(await self._reader.execute_fetchall(sql, parameters))

    async def fetch_one(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """Return the first row of a query over committed data, or None."""
        return next(iter(await self.fetch_all(sql, parameters)), None)

    async def reclaim(self) -> None:
        """After a large deletion: fold the write-ahead log in and give free pages back to the disk."""
        async with self._write_lock:
            if self._closed:
                raise ShuttingDown("the database is closed")
            with translated():
                # As a script: that alone runs it to its end, page by page.
                await self._writer.executescript("PRAGMA incremental_vacuum")
                await self._writer.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")

    async def _close(self) -> None:
        async with self._write_lock:
            self._closed = True


async def uncancelled(work: Awaitable[_T]) -> _T:
    """Wait for `work` to its end even when cancelled meanwhile; the cancellation is raised afterwards."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
        except Exception:  # noqa: BLE001, S110 - the task is done now, and result() raises it below
            pass
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not complain; the cancellation goes first
        raise cancelled
    return task.result()


def _create_private(path: Path) -> Path:
    """Make folder and file readable for nobody else: what people say is in them. Return the full path."""
    try:
        path = path.absolute()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be opened: {error.strerror}") from error
    return path


async def _connect(stack: AsyncExitStack, target: str, busy_timeout_s: float) -> aiosqlite.Connection:
    with translated():
        # isolation_level=None: no hidden BEGIN, transactions are ours alone.
        connection = await aiosqlite.connect(
            target, isolation_level=None, timeout=busy_timeout_s, uri=target.startswith("file:")
        )
    stack.push_async_callback(lambda: uncancelled(connection.close()))
    connection.row_factory = sqlite3.Row
    return connection


async def _prepare_writer(writer: aiosqlite.Connection, busy_timeout_s: float) -> None:
    """Set what SQLite does not remember by itself, and read back what may silently not happen."""
    with translated():
        # Only in an empty file can it take effect; in any other it would be a write, before we know what it is.
        if not next(iter(await writer.execute_fetchall("PRAGMA page_count")))[0]:
            await writer.execute_fetchall("PRAGMA auto_vacuum = INCREMENTAL")
        mode = next(iter(await writer.execute_fetchall("PRAGMA journal_mode = WAL")))[0]
        if mode != "wal":
            raise StoreUnavailable(f"SQLite cannot use its write-ahead log here (it stayed at {mode!r})")
        await writer.execute_fetchall(f"PRAGMA busy_timeout = {round(busy_timeout_s * 1000)}")
        await writer.execute_fetchall("PRAGMA synchronous = NORMAL")
        await writer.execute_fetchall("PRAGMA foreign_keys = ON")
        # Deleted speech is overwritten, not only unlinked.
        await writer.execute_fetchall("PRAGMA secure_delete = ON")
        verdict = next(iter(await writer.execute_fetchall("PRAGMA quick_check(1)")))[0]
    if verdict != "ok":
        raise DatabaseDamaged("the database is damaged (SQLite's quick_check found an error)")
