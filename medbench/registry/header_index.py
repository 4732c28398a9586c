"""The index of known files: ``<workspace>/headers.db``, so that a known folder opens at once.

A cache, never a source: it may be deleted at any time, and a damaged one is made anew. An entry
counts only while the file has the size and the modification time it had when it was read.
"""

import contextlib
import logging
import os
import sqlite3
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

_log = logging.getLogger(__name__)
FILE_NAME = "headers.db"
MAX_BYTES = 2 << 30
"""A larger index is dropped when it is opened: most of it is then of folders that are gone."""
Known = tuple[int, int, bytes]
"""Size in bytes, modification time in ns, packed header or reason."""
_SCHEMA = """
CREATE TABLE about (version TEXT NOT NULL);
CREATE TABLE folder (folder_id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
CREATE TABLE header (
    folder_id INTEGER NOT NULL REFERENCES folder ON DELETE CASCADE,
    name TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (folder_id, name)
);
"""


class HeaderIndex:
    """Packed headers by folder and name; safe to use from several threads, one process.

    Implements the cache protocol of `medbench.dicom.scan`. ``version`` names how headers are
    packed: an index of another version is dropped. Trouble with the database never stops a scan:
    the index then knows nothing and says so in the log.
    """

    def __init__(self, workspace: Path, version: str) -> None:
        self.path = Path(workspace) / FILE_NAME
        self._version = version
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._failed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def close(self) -> None:
        """Close the database; a later call opens it again."""
        with self._lock:
            self._shut()

    def get_many(self, folder: Path) -> Mapping[str, Known]:
        """What is known of the files of one folder (absolute path), by name."""
        with self._lock:
            try:
                rows = self._opened().execute(
                    "SELECT name, size_bytes, modified_ns, data FROM header "
                    "JOIN folder USING (folder_id) WHERE path = ?",
                    (_key(folder),),
                )
                return {name: (size, time, bytes(data)) for name, size, time, data in rows}
            except sqlite3.Error as error:
                self._damaged(error)
                return {}

    def put_many(self, folder: Path, rows: Mapping[str, Known]) -> None:
        """Remember files of one folder."""
        with self._lock:
            try:
                database = self._opened()
                with database:
                    database.execute(
                        "INSERT OR IGNORE INTO folder (path) VALUES (?)", (_key(folder),)
                    )
                    (folder_id,) = database.execute(
                        "SELECT folder_id FROM folder WHERE path = ?", (_key(folder),)
                    ).fetchone()
                    database.executemany(
                        "INSERT OR REPLACE INTO header VALUES (?,?,?,?,?)",
                        [(folder_id, name, *row) for name, row in rows.items()],
                    )
            except UnicodeEncodeError:
                _log.info("a folder with file names that are no text is read each time")
            except sqlite3.Error as error:
                self._damaged(error)

    def files_with(self, value: str) -> list[Path]:
        """Files whose headers hold this text (a UID), as they were known; they may be gone."""
        with self._lock:
            try:
                rows = self._opened().execute(
                    "SELECT path, name FROM folder JOIN header USING (folder_id) "
                    "WHERE instr(data, ?) > 0 ORDER BY path, name",
                    (value.encode(),),
                )
                return [Path(folder) / name for folder, name in rows]
            except sqlite3.Error as error:
                self._damaged(error)
                return []

    # -- the database --------------------------------------------------------------------------

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            if self._failed:
                raise sqlite3.OperationalError("the header index was given up")
            try:
                self._database = self._connect()
            except sqlite3.OperationalError:
                raise  # locked by another process, or no room: not ours to delete
            except sqlite3.DatabaseError:
                self._remove()
                self._database = self._connect()
        return self._database

    def _connect(self) -> sqlite3.Connection:
        if self.path.exists() and self.path.stat().st_size > MAX_BYTES:
            self._remove()
        database = self._file()
        try:
            if not self._current(database):
                database.close()
                self._remove()
                database = self._file()
                with database:
                    database.executescript(_SCHEMA)
                    database.execute("INSERT INTO about VALUES (?)", (self._version,))
        except BaseException:
            database.close()
            raise
        return database

    def _file(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # the index repeats names of patients: readable by its owner only
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        database = sqlite3.connect(self.path, timeout=5, check_same_thread=False)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            database.close()
            raise
        return database

    def _current(self, database: sqlite3.Connection) -> bool:
        tables = database.execute("SELECT name FROM sqlite_master WHERE name = 'about'").fetchall()
        if not tables:
            return False
        row = database.execute("SELECT version FROM about").fetchone()
        return row is not None and row[0] == self._version

    def _shut(self) -> None:
        if self._database is not None:
            with contextlib.suppress(sqlite3.Error):
                self._database.close()
            self._database = None

    def _damaged(self, error: sqlite3.Error) -> None:
        """Start anew where the file is damaged; when that fails too, do without."""
        if isinstance(error, sqlite3.OperationalError):
            _log.info("the header index is not available: %s", error)
            return
        _log.warning("the header index is unusable and made anew: %s", error)
        self._shut()
        try:
            self._remove()
            self._database = self._connect()
        except (OSError, sqlite3.Error) as second:
            _log.warning("the header index is given up: %s", second)
            self._failed = True

    def _remove(self) -> None:
        for name in (FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm"):
            self.path.with_name(name).unlink(missing_ok=True)


def _key(folder: Path) -> str:
    return os.fsencode(folder).decode("utf-8", "backslashreplace")
