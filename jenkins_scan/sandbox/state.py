"""What the sandbox remembers: tasks, paid images, used nonces, struck faults and moved lists, in SQLite.

In memory or in a file, with the same code: threads share one connection under a lock, processes share the file by
SQLite's own locks. Times are true Unix seconds; a scenario's skewed clock is applied when they are shown. What becomes
of a task is not stored: the scenario that is asked says it. Nothing secret is stored: the CI/CD token, keys and
signatures never get here.
"""

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from jenkins_scan.errors import ConfigurationError

APPLICATION_ID = 0x4A5353  # "JSS": what tells our files from other SQLite files
SCHEMA_VERSION = 2
LOCK_SECONDS = 10
NONCE_SECONDS = 2 * 15 * 60  # a date may be 15 minutes ahead and is good for 15 minutes more
NAMESPACE = uuid.UUID("6a656e6b-696e-5363-a16e-73616e64626f")

SCHEMA = """
CREATE TABLE task (
    number INTEGER PRIMARY KEY, task_id TEXT NOT NULL UNIQUE, uuid TEXT NOT NULL, image_key TEXT NOT NULL,
    digest TEXT NOT NULL, image_id TEXT NOT NULL, namespace TEXT NOT NULL, repo_name TEXT NOT NULL, tag TEXT NOT NULL,
    opened_at REAL NOT NULL);
CREATE INDEX task_digest ON task (digest);
CREATE TABLE paid_image (image_key TEXT PRIMARY KEY, paid_at REAL NOT NULL);
CREATE TABLE nonce (access_key_id TEXT, nonce TEXT, used_at REAL NOT NULL, PRIMARY KEY (access_key_id, nonce));
CREATE TABLE struck (
    scenario TEXT, fault INTEGER, operation TEXT, times INTEGER NOT NULL, PRIMARY KEY (scenario, fault, operation));
CREATE TABLE event (name TEXT PRIMARY KEY);
"""


@dataclass(frozen=True, slots=True)
class Image:
    """The image that a create names. An empty text means that it was not given."""

    digest: str = ""
    image_id: str = ""
    namespace: str = ""
    repo_name: str = ""
    tag: str = ""
    uuid: str = ""

    @property
    def key(self) -> str:
        """What makes two creates the same image for the quota: the digest, else the image id, else the name."""
        if self.digest:
            return f"digest:{self.digest}"
        if self.image_id:
            return f"image-id:{self.image_id}"
        return f"name:{self.namespace}/{self.repo_name}:{self.tag}"


@dataclass(frozen=True, slots=True)
class Task:
    """A scan task in the ledger; the fields are the columns. Times in Unix seconds."""

    number: int
    task_id: str
    uuid: str
    """The asset UUID of the image: the one it was created with, else one made from its key."""
    image_key: str
    digest: str
    image_id: str
    namespace: str
    repo_name: str
    tag: str
    opened_at: float


class State:
    """The sandbox's memory; a context manager that closes it.

    `path` is a file, made if it is missing, or `:memory:`. Raises `ConfigurationError` (2), here and in every method,
    when the file cannot be used: not writable, damaged, locked for long, or not a sandbox state of this version.
    """

    def __init__(self, path: str | Path = ":memory:") -> None:
        self._path = str(Path(path))
        self._lock = Lock()
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
        with self._transaction() as connection:
            (found,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if (found, version, tables) == (0, 0, 0):
                for statement in SCHEMA.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            elif found != APPLICATION_ID:
                raise self._refusal("it is an SQLite file of something else")
            elif version != SCHEMA_VERSION:
                raise self._refusal(f"its schema is version {version}, this program knows version {SCHEMA_VERSION}")

    def open_task(self, image: Image, *, now: float, allowance: int) -> Task | None:
        """A new task for the image; None when it would cost quota and `allowance` images are paid already.

        The first task of an image costs 1, later ones nothing. Look-up and payment are one transaction.
        """
        asset = image.uuid or str(uuid.uuid5(NAMESPACE, image.key))
        with self._transaction() as connection:
            paid = connection.execute("SELECT 1 FROM paid_image WHERE image_key = ?", (image.key,)).fetchone()
            if paid is None:
                (spent,) = connection.execute("SELECT count(*) FROM paid_image").fetchone()
                if spent >= allowance:
                    return None
                connection.execute("INSERT INTO paid_image VALUES (?, ?)", (image.key, now))
            named = (image.digest, image.image_id, image.namespace, image.repo_name, image.tag)
            (row,) = connection.execute(
                "INSERT INTO task VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
                (uuid.uuid4().hex, asset, image.key, *named, now),
            ).fetchall()
        return Task(*row)

    def tasks(self) -> tuple[Task, ...]:
        """The ledger: every task that was opened, oldest first."""
        with self._transaction() as connection:
            rows = connection.execute("SELECT * FROM task ORDER BY number").fetchall()
        return tuple(Task(*row) for row in rows)

    def tasks_of(self, digest: str) -> tuple[Task, ...]:
        """The tasks of the image with this digest, oldest first."""
        with self._transaction() as connection:
            rows = connection.execute("SELECT * FROM task WHERE digest = ? ORDER BY number", (digest,)).fetchall()
        return tuple(Task(*row) for row in rows)

    def paid_images(self) -> int:
        """How many images have cost quota."""
        with self._transaction() as connection:
            (count,) = connection.execute("SELECT count(*) FROM paid_image").fetchone()
        return int(count)

    def use_nonce(self, access_key_id: str, nonce: str, now: float) -> bool:
        """Whether this key uses the nonce for the first time in half an hour; it is used from then on."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM nonce WHERE used_at < ?", (now - NONCE_SECONDS,))
            done = connection.execute("INSERT OR IGNORE INTO nonce VALUES (?, ?, ?)", (access_key_id, nonce, now))
            return done.rowcount == 1

    def strike(self, scenario: str, fault: int, operation: str, *, times: int) -> bool:
        """Whether the scenario's fault (by index) strikes this call: it does the first `times` times, with 0 always."""
        if times == 0:
            return True
        with self._transaction() as connection:
            done = connection.execute(
                "INSERT INTO struck VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET times = times + 1 WHERE times < ?",
                (scenario, fault, operation, times),
            )
            return done.rowcount == 1

    def first_time(self, event: str) -> bool:
        """Whether this happens for the first time; it has happened from then on."""
        with self._transaction() as connection:
            return connection.execute("INSERT OR IGNORE INTO event VALUES (?)", (event,)).rowcount == 1

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """The connection inside a transaction that no thread or process can come between."""
        with self._lock:
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
        """Closes the file; a state in memory is gone."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
