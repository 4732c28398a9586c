"""The workspace database: SQLite, WAL, synchronous=FULL, versioned, backed up before a change."""

import sqlite3
from pathlib import Path

from medbench.base.errors import BadInputError, IntegrityError

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE run (
        run_id TEXT PRIMARY KEY, state TEXT NOT NULL, learner TEXT NOT NULL,
        cohort_name TEXT NOT NULL, cohort_digest TEXT NOT NULL, split_digest TEXT NOT NULL,
        seed INTEGER NOT NULL, created TEXT NOT NULL, ended TEXT NOT NULL DEFAULT '',
        reason TEXT NOT NULL DEFAULT '', model TEXT NOT NULL DEFAULT ''
    ) STRICT;
    CREATE TABLE model_version (
        name TEXT NOT NULL, number INTEGER NOT NULL, stage TEXT NOT NULL, run_id TEXT NOT NULL,
        record TEXT NOT NULL, PRIMARY KEY (name, number)
    ) STRICT;
    CREATE TABLE transition (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, number INTEGER NOT NULL, at TEXT NOT NULL,
        who TEXT NOT NULL, from_stage TEXT NOT NULL, to_stage TEXT NOT NULL, reason TEXT NOT NULL,
        FOREIGN KEY (name, number) REFERENCES model_version (name, number)
    ) STRICT;
    CREATE TABLE evaluation (
        evaluation_id TEXT PRIMARY KEY, name TEXT NOT NULL, number INTEGER NOT NULL,
        cohort_name TEXT NOT NULL, cohort_digest TEXT NOT NULL, split_digest TEXT NOT NULL,
        role TEXT NOT NULL, rests_on TEXT NOT NULL, created TEXT NOT NULL,
        predictions TEXT NOT NULL, record TEXT NOT NULL,
        FOREIGN KEY (name, number) REFERENCES model_version (name, number)
    ) STRICT;
    """,
)
_BUSY_MS = 10_000


def open_database(path: Path) -> sqlite3.Connection:
    """Open, check and migrate.

    Raises
    ------
    BadInputError
        Made by a newer medbench.
    IntegrityError
        The file is damaged.
    """
    connection = sqlite3.connect(path, timeout=_BUSY_MS / 1000, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        _migrate(connection, path)
        check = connection.execute("PRAGMA quick_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        connection.close()
        raise IntegrityError(
            f"{path} is damaged ({error}). Move it away; models and runs stay in their folders "
            "and are found again."
        ) from error
    except BaseException:
        connection.close()
        raise
    if check != "ok":
        connection.close()
        raise IntegrityError(f"{path} is damaged: {check}.")
    return connection


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise BadInputError(f"{path} was made by a newer medbench; update this one to open it.")
    if version == len(MIGRATIONS):
        return
    if version:
        with sqlite3.connect(path.with_name(f"{path.name}.v{version}.backup")) as backup:
            connection.backup(backup)
        backup.close()
    for number in range(version, len(MIGRATIONS)):
        script = f"BEGIN IMMEDIATE;{MIGRATIONS[number]};PRAGMA user_version={number + 1};COMMIT;"
        try:
            connection.executescript(script)
        except sqlite3.Error:
            if connection.in_transaction:
                connection.rollback()
            current = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if current <= number:  # else another process migrated in the meantime
                raise
