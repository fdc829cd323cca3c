"""What the sandbox remembers: tasks with their images, paid images, used nonces, struck faults and events, in SQLite.

Times are true Unix seconds; a scenario's skewed clock is applied when they are shown. What becomes of a task is not
stored: the scenario that is asked says it. Nothing secret is stored: the CI/CD token, keys and signatures never get
here.
"""

import json
import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, replace
from functools import lru_cache
from random import Random

from jenkins_scan.sandbox.images import Image
from jenkins_scan.sandbox.store import Store

NONCE_SECONDS = 2 * 15 * 60  # a date may be 15 minutes ahead and is good for 15 minutes more


@dataclass(frozen=True, slots=True)
class Task:
    """A scan task in the ledger; the fields are the columns. Times in Unix seconds."""

    number: int
    task_id: str
    action: str
    """The operation that opened it."""
    opened_at: float
    total: int
    """How many images it is to scan; none when nothing was found, and such a task is over at once."""
    granted: int
    """For how many of them, the first ones, there was quota; at the next one the task is stopped."""

    def ends_at(self, place: int, finish_after: float) -> float:
        """When its image at this place, from 0, is done, if the whole task takes `finish_after` seconds.

        The first half of the time passes before any is done, then they are done one by one. Those that there was no
        quota for end together, at the time of the first of them.
        """
        return self.opened_at + finish_after * (1 + (min(place, self.granted) + 1) / self.total) / 2

    def over_at(self, finish_after: float) -> float:
        """When the last of its images is done."""
        return self.ends_at(self.total - 1, finish_after) if self.total else self.opened_at


@lru_cache(maxsize=1024)
def seconds_of(number: int, finish_after: float, spread: float) -> float:
    """How long the task of this number takes: the same wherever, and whenever, it is asked."""
    if not spread:
        return finish_after
    return finish_after * (1 + spread * (2 * Random(number).random() - 1))  # noqa: S311  spreading, not secrecy


@dataclass(frozen=True, slots=True)
class Scan:
    """One image of a task."""

    number: int
    task: Task
    place: int
    """The first image of a task is at 0."""
    image: Image

    @property
    def granted(self) -> bool:
        """Whether there was quota for it."""
        return self.place < self.task.granted


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On which terms a task is opened."""

    action: str
    allowance: int
    """How many images may be paid in all."""
    lasts_for: float = 1.0
    """Which share of its images that cost quota, rounded down, there is quota for in the end."""
    finish_after: float = 0.0
    finish_spread: float = 0.0
    slots: int | None = None
    """How many tasks may be running with it; None: any number."""
    in_slots: frozenset[str] = frozenset()
    """The operations whose tasks are counted for that."""

    def over_at(self, task: Task) -> float:
        """When the last image of the task is done."""
        return task.over_at(seconds_of(task.number, self.finish_after, self.finish_spread))


@dataclass(frozen=True, slots=True)
class Opened:
    """What came of a create."""

    task: Task | None
    """None: no slot was free, nothing was opened and nothing was paid."""
    slot_left: bool


class NoQuota(Exception):
    """Images of the task would cost quota and nothing is left. Nothing was opened."""


class State(Store):
    """The sandbox's memory. Every method is one transaction; it raises as `Store` does."""

    version = 5
    schema = """
CREATE TABLE task (
    number INTEGER PRIMARY KEY, task_id TEXT NOT NULL UNIQUE, action TEXT NOT NULL, opened_at REAL NOT NULL,
    total INTEGER NOT NULL, granted INTEGER NOT NULL);
CREATE TABLE scan (
    number INTEGER PRIMARY KEY, task INTEGER NOT NULL REFERENCES task, place INTEGER NOT NULL,
    digest TEXT NOT NULL, image_id TEXT NOT NULL, namespace TEXT NOT NULL, repo_name TEXT NOT NULL, tag TEXT NOT NULL,
    uuid TEXT NOT NULL, registry_type TEXT NOT NULL, region_id TEXT NOT NULL, instance_id TEXT NOT NULL,
    repo_id TEXT NOT NULL);
CREATE TABLE paid_image (image_key TEXT PRIMARY KEY, paid_at REAL NOT NULL);
CREATE TABLE nonce (access_key_id TEXT, nonce TEXT, used_at REAL NOT NULL, PRIMARY KEY (access_key_id, nonce));
CREATE TABLE struck (
    scenario TEXT, fault INTEGER, operation TEXT, times INTEGER NOT NULL, PRIMARY KEY (scenario, fault, operation));
CREATE TABLE found (uuid TEXT, place INTEGER, finding TEXT NOT NULL, PRIMARY KEY (uuid, place));
CREATE TABLE event (name TEXT PRIMARY KEY, first_at REAL NOT NULL);
CREATE TABLE answered (window INTEGER PRIMARY KEY, calls INTEGER NOT NULL);
CREATE INDEX task_opened ON task (opened_at);
CREATE INDEX scan_task ON scan (task);
CREATE INDEX scan_digest ON scan (digest);
CREATE INDEX scan_uuid ON scan (uuid);
CREATE INDEX nonce_used ON nonce (used_at)
"""

    def open_task(self, images: Sequence[Image], *, now: float, terms: Terms) -> Opened:
        """A new task for these images, each of which has another key, if a slot is free. Raises `NoQuota`.

        The first scan of an image costs 1, later ones nothing. Checks, payment and opening are one transaction.
        """
        with self.transaction() as connection:
            new = [image for image in images if not _is_paid(connection, image)]
            left = terms.allowance - _paid_images(connection)
            if new and left <= 0:
                raise NoQuota
            running = _running(connection, now, terms)
            if terms.slots is not None and running >= terms.slots:
                return Opened(None, slot_left=False)
            paid = new[: min(left, int(len(new) * terms.lasts_for))]
            stopped = new[len(paid) :]
            connection.executemany("INSERT INTO paid_image VALUES (?, ?)", [(image.key, now) for image in paid])
            last = set(stopped)
            in_order = [*(image for image in images if image not in last), *stopped]
            task = _insert(connection, in_order, granted=len(images) - len(stopped), now=now, action=terms.action)
        running += terms.over_at(task) > now
        return Opened(task, slot_left=terms.slots is None or running < terms.slots)

    def tasks(self) -> tuple[Task, ...]:
        """Every task that was opened, oldest first."""
        with self.transaction() as connection:
            rows = connection.execute("SELECT * FROM task ORDER BY number").fetchall()
        return tuple(Task(*row) for row in rows)

    def scans(self, digest: str | None = None) -> tuple[Scan, ...]:
        """Every image of every task, or those with this digest, oldest first."""
        return self._scans() if digest is None else self._scans("digest = ?", (digest,))

    def scans_beside(self, *, digests: Iterable[str] = (), task_ids: Iterable[str] = ()) -> tuple[Scan, ...]:
        """Every scan of each image of which one had such a digest, or was of such a task; oldest first."""
        known = json.dumps([*digests]), json.dumps([*task_ids])
        return self._scans(
            "scan.uuid IN (SELECT uuid FROM scan WHERE digest IN (SELECT value FROM json_each(?)) UNION SELECT uuid"
            " FROM scan WHERE task IN (SELECT number FROM task WHERE task_id IN (SELECT value FROM json_each(?))))",
            known,
        )

    def _scans(self, condition: str = "TRUE", values: Sequence[str] = ()) -> tuple[Scan, ...]:
        statement = f"SELECT task.*, scan.* FROM scan JOIN task ON task.number = scan.task WHERE {condition}"  # noqa: S608  ours
        with self.transaction() as connection:
            rows = connection.execute(f"{statement} ORDER BY scan.number", values).fetchall()
        return tuple(Scan(row[6], Task(*row[:6]), row[8], Image(*row[9:])) for row in rows)

    def paid_images(self) -> int:
        """How many images have cost quota."""
        with self.transaction() as connection:
            return _paid_images(connection)

    def paid(self, images: Sequence[Image]) -> int:
        """How many of these have cost quota."""
        with self.transaction() as connection:
            return sum(_is_paid(connection, image) for image in images)

    def note_findings(self, image: Image, findings: Sequence[str]) -> None:
        """Notes what was seen in the image, in place of what was noted before; each as JSON, without any secret."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM found WHERE uuid = ?", (image.asset_uuid,))
            rows = [(image.asset_uuid, place, finding) for place, finding in enumerate(findings)]
            connection.executemany("INSERT INTO found VALUES (?, ?, ?)", rows)

    def findings(self, image: Image) -> tuple[str, ...]:
        """What was noted of the image, in order."""
        with self.transaction() as connection:
            rows = connection.execute("SELECT finding FROM found WHERE uuid = ? ORDER BY place", (image.asset_uuid,))
            return tuple(finding for (finding,) in rows.fetchall())

    def use_nonce(self, access_key_id: str, nonce: str, now: float) -> bool:
        """Whether this key uses the nonce for the first time in half an hour; it is used from then on."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM nonce WHERE used_at < ?", (now - NONCE_SECONDS,))
            done = connection.execute("INSERT OR IGNORE INTO nonce VALUES (?, ?, ?)", (access_key_id, nonce, now))
            return done.rowcount == 1

    def admits(self, now: float, *, calls: int, seconds: int) -> bool:
        """Whether this call is among the first so many of its window, counted from now on; with 0 always."""
        if calls == 0:
            return True
        window = int(now // seconds)
        with self.transaction() as connection:
            connection.execute("DELETE FROM answered WHERE window < ?", (window,))
            done = connection.execute(
                "INSERT INTO answered VALUES (?, 1) ON CONFLICT DO UPDATE SET calls = calls + 1 WHERE calls < ?",
                (window, calls),
            )
            return done.rowcount == 1

    def strike(self, scenario: str, fault: int, operation: str, *, times: int) -> bool:
        """Whether the scenario's fault (by index) strikes this call: it does the first `times` times, with 0 always."""
        if times == 0:
            return True
        with self.transaction() as connection:
            done = connection.execute(
                "INSERT INTO struck VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET times = times + 1 WHERE times < ?",
                (scenario, fault, operation, times),
            )
            return done.rowcount == 1

    def first_time(self, event: str, now: float) -> bool:
        """Whether this happens for the first time; it has happened from then on."""
        with self.transaction() as connection:
            return connection.execute("INSERT OR IGNORE INTO event VALUES (?, ?)", (event, now)).rowcount == 1

    def since(self, event: str, now: float) -> float:
        """When this happened for the first time: now, if it had not happened."""
        self.first_time(event, now)
        with self.transaction() as connection:
            (first_at,) = connection.execute("SELECT first_at FROM event WHERE name = ?", (event,)).fetchone()
        return float(first_at)


def _is_paid(connection: sqlite3.Connection, image: Image) -> bool:
    return connection.execute("SELECT 1 FROM paid_image WHERE image_key = ?", (image.key,)).fetchone() is not None


def _paid_images(connection: sqlite3.Connection) -> int:
    (count,) = connection.execute("SELECT count(*) FROM paid_image").fetchone()
    return int(count)


def _running(connection: sqlite3.Connection, now: float, terms: Terms) -> int:
    """How many tasks hold a slot."""
    longest = terms.finish_after * (1 + terms.finish_spread)
    recent = connection.execute("SELECT * FROM task WHERE opened_at >= ?", (now - longest,))
    tasks = (Task(*row) for row in recent)
    return sum(task.action in terms.in_slots and terms.over_at(task) > now for task in tasks)


def _insert(connection: sqlite3.Connection, images: Sequence[Image], *, granted: int, now: float, action: str) -> Task:
    """The task and its images, written down."""
    (row,) = connection.execute(
        "INSERT INTO task VALUES (NULL, ?, ?, ?, ?, ?) RETURNING *",
        (uuid.uuid4().hex, action, now, len(images), granted),
    ).fetchall()
    task = Task(*row)
    connection.executemany(
        "INSERT INTO scan VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(task.number, place, *astuple(replace(image, uuid=image.asset_uuid))) for place, image in enumerate(images)],
    )
    return task
