"""What readers wrote, in memory and on disk: undoable, saved after each change."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from medbench.base.errors import BadInputError
from medbench.domain.records import from_json, to_json
from medbench.registry.reading_store import ReadingStore, StoredRecord
from medbench.session.history import History, Step
from medbench.session.messages import Messages
from medbench.session.ports import Handle, Runner

T = TypeVar("T")
Key = tuple[str, str]
AUTOSAVE_MS = 60_000


class ReadingBook(QObject):
    """Records of the open studies, of every type in `session.record_types`.

    Signals
    -------
    changed : str
        Records of that ``stored_as`` were added, replaced or removed.
    saved
        Everything is on disk.
    """

    changed = Signal(str)
    saved = Signal()

    def __init__(
        self, workspace: Path, runner: Runner, history: History, messages: Messages,
        types: Sequence[Any], parent: QObject | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._workspace = workspace
        self._runner = runner
        self.history = history
        self._messages = messages
        self._types = {kind.stored_as: kind for kind in types}
        self._records: dict[Key, Any] = {}
        self._dirty: dict[Key, StoredRecord] = {}
        self._writing: list[dict[Key, StoredRecord]] = []
        self._known: set[str] = set()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self.save)
        self._again = QTimer(self)
        self._again.setInterval(AUTOSAVE_MS)
        self._again.timeout.connect(self.save)

    # reading

    def of(self, kind: type[T], study_instance_uid: str | None = None) -> tuple[T, ...]:
        """Records of a type (of one study), in the order they were made."""
        name = kind.stored_as  # type: ignore[attr-defined]
        return tuple(
            record for (at, _), record in self._records.items()
            if at == name
            and study_instance_uid in (None, record.study_instance_uid)
        )  # fmt: skip

    def get(self, kind: type[T], record_id: str) -> T | None:
        """One record, or None."""
        found: T | None = self._records.get((kind.stored_as, record_id))  # type: ignore[attr-defined]
        return found

    # changing

    def put(self, record: Any, words: str) -> None:
        """Add or replace a record, as one undoable step."""
        key = (record.stored_as, record.record_id)
        before = self._records.get(key)
        if before == record:
            return
        self._set(key, record)
        self._remember(key, before, record, words)

    def remove(self, record: Any, words: str) -> None:
        """Remove a record, as one undoable step."""
        key = (record.stored_as, record.record_id)
        before = self._records.get(key)
        if before is not None:
            self._set(key, None)
            self._remember(key, before, None, words)

    def together(self, words: str) -> AbstractContextManager[None]:
        """Several changes as one step."""
        return self.history.together(words)

    def store(self, record: Any) -> None:
        """Add or replace without a step to undo (an offset, a status the program set)."""
        self._set((record.stored_as, record.record_id), record)

    def drop(self, record: Any) -> None:
        """Remove without a step to undo."""
        if (record.stored_as, record.record_id) in self._records:
            self._set((record.stored_as, record.record_id), None)

    def _remember(self, key: Key, before: Any, after: Any, words: str) -> None:
        def undo() -> None:
            self._set(key, before)

        def redo() -> None:
            self._set(key, after)

        self.history.push(Step(words, undo, redo))

    def _set(self, key: Key, record: Any) -> None:
        previous = self._records.get(key)
        if record is None:
            self._records.pop(key, None)
        else:
            self._records[key] = record
        one: Any = record if record is not None else previous
        study = one.study_instance_uid
        body = None if record is None else to_json(record)
        self._dirty[key] = StoredRecord(key[0], key[1], study, body)
        self._soon.start()
        if not self._again.isActive():
            self._again.start()
        self.changed.emit(key[0])

    # disk

    @Slot()
    def save(self) -> None:
        """Write what is not on disk yet, in a worker; what fails is tried again."""
        if not self._dirty:
            self._again.stop()
            return
        batch, self._dirty = dict(self._dirty), {}
        self._writing.append(batch)

        def work(_handle: Handle) -> None:
            with ReadingStore(self._workspace) as store:
                store.write(batch.values())

        def done(_nothing: object) -> None:
            self._writing.remove(batch)
            if not self._dirty and not self._writing:
                self.saved.emit()

        def failed(sentence: str) -> None:
            self._writing.remove(batch)
            self._dirty = {**batch, **self._dirty}
            self._again.start()
            self._messages.error(
                self.tr("What you measured could not be saved; it is tried again every minute"),
                sentence,
            )

        self._runner.run("save readings", work, done, failed)

    def open_studies(self, studies: Iterable[str]) -> None:
        """Read what is stored of studies that are not known yet."""
        wanted = [uid for uid in (*studies, "") if uid not in self._known]
        if not wanted:
            return
        self._known.update(wanted)

        def work(_handle: Handle) -> tuple[list[tuple[Key, Any]], int]:
            with ReadingStore(self._workspace) as store:
                return self._parse(store.read(wanted))

        def done(answer: tuple[list[tuple[Key, Any]], int]) -> None:
            found, unread = answer
            for key, record in found:
                self._records.setdefault(key, record)
            for name in {key[0] for key, _ in found}:
                self.changed.emit(name)
            if unread:
                self._messages.warning(
                    self.tr("{0} stored notes come from another version of medbench").format(
                        unread
                    ),
                    self.tr("They stay in the workspace untouched, but cannot be shown."),
                )

        def failed(sentence: str) -> None:
            self._known.difference_update(wanted)
            if sentence:
                self._messages.error(sentence)

        self._runner.run("open readings", work, done, failed)

    def _parse(self, stored: list[StoredRecord]) -> tuple[list[tuple[Key, Any]], int]:
        found: list[tuple[Key, Any]] = []
        unread = 0
        for record in stored:
            kind = self._types.get(record.kind)
            if kind is None:
                unread += 1
                continue
            try:
                found.append(((record.kind, record.record_id), from_json(kind, record.body)))
            except BadInputError:
                unread += 1
        return found, unread

    def close(self) -> None:
        """Write the rest, after the worker has ended; the program ends."""
        self._soon.stop()
        self._again.stop()
        rest: dict[Key, StoredRecord] = {}
        for batch in (*self._writing, self._dirty):
            rest.update(batch)
        if rest:
            with ReadingStore(self._workspace) as store:
                store.write(rest.values())
        self._writing, self._dirty = [], {}
