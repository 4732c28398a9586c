"""Append-only audit file: every line carries the hash of the line before it."""

import json
from pathlib import Path
from typing import Any

from medbench.base.atomic import append_line
from medbench.base.errors import IntegrityError
from medbench.base.hashing import sha256_json
from medbench.base.ids import now_iso

GENESIS = "0" * 64


class AuditLog:
    """One JSON object a line: seq, when, event, its fields, previous, sha256."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, event: str, **fields: Any) -> dict[str, Any]:
        """Add an event; callers hold the workspace's write lock."""
        last = self._last()
        entry: dict[str, Any] = {
            "seq": last["seq"] + 1 if last else 1,
            "when": now_iso(),
            "event": event,
            **fields,
            "previous": last["sha256"] if last else GENESIS,
        }
        entry["sha256"] = sha256_json(entry)
        append_line(self.path, json.dumps(entry, ensure_ascii=False, allow_nan=False))
        return entry

    def entries(self) -> list[dict[str, Any]]:
        """All whole lines; a last line cut by a crash is left out."""
        if not self.path.exists():
            return []
        lines = self.path.read_bytes().split(b"\n")
        found = []
        for number, line in enumerate(lines, 1):
            if not line:
                continue
            try:
                found.append(json.loads(line))
            except ValueError as error:
                if number == len(lines):
                    break
                raise IntegrityError(
                    f"Line {number} of {self.path.name} is damaged: the history cannot be trusted."
                ) from error
        return found

    def verify(self) -> int:
        """Check the chain; returns the number of entries.

        Raises
        ------
        IntegrityError
            A line was changed, removed or inserted.
        """
        previous = GENESIS
        entries = self.entries()
        for number, entry in enumerate(entries, 1):
            body = {key: value for key, value in entry.items() if key != "sha256"}
            if (
                entry.get("seq") != number
                or entry.get("previous") != previous
                or entry.get("sha256") != sha256_json(body)
            ):
                raise IntegrityError(
                    f"Entry {number} of {self.path.name} was changed after it was written."
                )
            previous = entry["sha256"]
        return len(entries)

    def _last(self) -> dict[str, Any] | None:
        if not self.path.exists():
            return None
        data = self.path.read_bytes()
        if data and not data.endswith(b"\n"):
            # a crash cut the last line: it was never reported as done
            whole = data[: data.rfind(b"\n") + 1]
            from medbench.base.atomic import atomic_write

            atomic_write(self.path, whole)
        entries = self.entries()
        return entries[-1] if entries else None
