"""What readers wrote: measurements, findings, segments, status; ``<workspace>/reading.db``.

Apart from workspace.db: it holds patient data and large masks, and is written after each stroke.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medbench.base.errors import BadInputError, IntegrityError
from medbench.base.ids import now_iso

FILE_NAME = "reading.db"
_VERSION = 1
_BUSY_MS = 10_000
_SCHEMA = """
    CREATE TABLE record (
        kind TEXT NOT NULL, record_id TEXT NOT NULL, study_uid TEXT NOT NULL, body TEXT NOT NULL,
        changed TEXT NOT NULL, PRIMARY KEY (kind, record_id)
    ) STRICT;
    CREATE INDEX record_by_study ON record (study_uid);
    CREATE TABLE mask_slice (
        segmentation_id TEXT NOT NULL, slice INTEGER NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (segmentation_id, slice)
    ) STRICT;
"""


@dataclass(frozen=True)
class StoredRecord:
    """One record; ``body`` None means it was removed."""

    kind: str
    record_id: str
    study_instance_uid: str
    body: Mapping[str, Any] | None


class ReadingStore:
    """The file; each call is one transaction, on disk when it returns.

    Raises
    ------
    BadInputError
        The file was made by a newer medbench.
    IntegrityError
        The file is damaged.
    """

    def __init__(self, workspace: Path) -> None:
        self.path = Path(workspace) / FILE_NAME
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(self.path, timeout=_BUSY_MS / 1000, isolation_level=None)
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            self._database.close()
            raise IntegrityError(
                f"{self.path} is damaged ({error}). Move it away; measurements made since its last "
                "copy are inside it."
            ) from error
        except BaseException:
            self._database.close()
            raise

    def _open(self) -> None:
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        version = int(self._database.execute("PRAGMA user_version").fetchone()[0])
        if version > _VERSION:
            raise BadInputError(
                f"{self.path} was made by a newer medbench; update this one to open it."
            )
        if version == 0:
            self._database.executescript(
                f"BEGIN IMMEDIATE;{_SCHEMA};PRAGMA user_version={_VERSION};COMMIT;"
            )

    def __enter__(self) -> "ReadingStore":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def write(self, records: Iterable[StoredRecord]) -> None:
        """Store or remove records, all or none."""
        now = now_iso()
        with _Transaction(self._database):
            for record in records:
                if record.body is None:
                    self._database.execute(
                        "DELETE FROM record WHERE kind = ? AND record_id = ?",
                        (record.kind, record.record_id),
                    )
                    continue
                self._database.execute(
                    "INSERT OR REPLACE INTO record VALUES (?,?,?,?,?)",
                    (record.kind, record.record_id, record.study_instance_uid,
                     json.dumps(record.body, allow_nan=False), now),
                )  # fmt: skip

    def read(self, studies: Iterable[str] | None = None) -> list[StoredRecord]:
        """Records of some studies ('' = of none), or all; oldest first."""
        rows: list[Any] = []
        query = "SELECT kind, record_id, study_uid, body FROM record"
        if studies is None:
            rows = self._database.execute(f"{query} ORDER BY rowid").fetchall()
        else:
            for study in studies:
                rows += self._database.execute(
                    f"{query} WHERE study_uid = ? ORDER BY rowid", (study,)
                ).fetchall()
        return [StoredRecord(row[0], row[1], row[2], json.loads(row[3])) for row in rows]

    def of_patient(self, kind: str, patient_id: str, birth_date: str) -> list[StoredRecord]:
        """Records of a kind whose body names this patient, of every study; oldest first.

        The birth date must agree too: the same id is given to other people elsewhere.
        """
        rows = self._database.execute(
            "SELECT kind, record_id, study_uid, body FROM record WHERE kind = ? "
            "AND json_extract(body, '$.patient_id') = ? "
            "AND json_extract(body, '$.patient_birth_date') = ? ORDER BY rowid",
            (kind, patient_id, birth_date),
        ).fetchall()
        return [StoredRecord(row[0], row[1], row[2], json.loads(row[3])) for row in rows]

    def write_slices(self, segmentation_id: str, slices: Mapping[int, bytes | None]) -> None:
        """Store slices of a mask (compressed by the caller); None removes one."""
        with _Transaction(self._database):
            for index, body in slices.items():
                if body is None:
                    self._database.execute(
                        "DELETE FROM mask_slice WHERE segmentation_id = ? AND slice = ?",
                        (segmentation_id, index),
                    )
                else:
                    self._database.execute(
                        "INSERT OR REPLACE INTO mask_slice VALUES (?,?,?)",
                        (segmentation_id, index, body),
                    )

    def read_slices(self, segmentation_id: str) -> dict[int, bytes]:
        """Stored slices of a mask."""
        rows = self._database.execute(
            "SELECT slice, body FROM mask_slice WHERE segmentation_id = ?", (segmentation_id,)
        ).fetchall()
        return {int(row[0]): bytes(row[1]) for row in rows}


class _Transaction:
    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_rest: object) -> None:
        self._database.execute("COMMIT" if kind is None else "ROLLBACK")
