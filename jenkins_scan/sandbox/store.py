"""The SQLite file of the sandbox, or its memory: opened, told from other files, shared by threads and processes.

With the same code for both: threads share one connection under a lock, processes share the file by SQLite's own locks.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import ClassVar, Self

from jenkins_scan.errors import ConfigurationError

APPLICATION_ID = 0x4A5353  # "JSS": what tells our files from other SQLite files
LOCK_SECONDS = 10
CLOSE_SECONDS = 0.5


class Store:
    """Tables in a file; a context manager that closes it.

    `path` is a file, made if it is missing, or `:memory:`. Raises `ConfigurationError` (2), here and in every
    transaction, when the file cannot be used: not writable, damaged, locked for long, or not of this version.
    """

    schema: ClassVar[str]
    version: ClassVar[int]

    def __init__(self, path: str | Path = ":memory:") -> None:
        self._path = str(Path(path))
        self._lock = Lock()
        self._is_closed = False
        try:
            # Transactions are written out below, hence no implicit ones.
            self._connection = sqlite3.connect(
                self._path, timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False
            )
        except (sqlite3.Error, ValueError) as exc:
            raise self._refusal(str(exc)) from exc
        try:
            self._adopt()
        except ConfigurationError:
            self._connection.close()
            raise

    def _adopt(self) -> None:
        """Makes the tables in a new file; refuses a file of something else."""
        with self.transaction() as connection:
            (found,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if (found, version, tables) == (0, 0, 0):
                for statement in self.schema.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {self.version}")
            elif found != APPLICATION_ID:
                raise self._refusal("it is an SQLite file of something else")
            elif version != self.version:
                raise self._refusal(f"its schema is version {version}, this program knows version {self.version}")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The connection inside a transaction that no thread or process can come between."""
        with self._lock:
            if self._is_closed:
                raise self._refusal("it is closed")
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                with self._connection:
                    yield self._connection
            except sqlite3.Error as exc:
                raise self._refusal(str(exc)) from exc

    def _refusal(self, why: str) -> ConfigurationError:
        return ConfigurationError(
            f"the sandbox cannot keep its state in {self._path!r}: {why}.",
            remedy="Name a file that --state made earlier, or one that does not exist yet in a writable folder.",
        )

    def close(self) -> None:
        """Closes the file; a state in memory is gone.

        A thread that an abort left behind may still be at work: SQLite must not lose its connection under it. One that
        holds it for longer than half a second keeps it, until the process ends.
        """
        if self._lock.acquire(timeout=CLOSE_SECONDS):
            self._is_closed = True
            self._connection.close()
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
