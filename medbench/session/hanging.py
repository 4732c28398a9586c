"""The reader's hanging protocols: kept in the workspace, undoable, imported and exported."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from medbench.base.errors import BadInputError
from medbench.base.ids import new_id
from medbench.domain.hanging import HangingRule
from medbench.session.history import History, Step
from medbench.session.messages import Messages
from medbench.session.operations.hanging import (
    FILE_NAME,
    read_rules,
    shipped_rules,
    workspace_rules,
    write_rules,
)
from medbench.session.ports import Handle, Runner

Rules = tuple[HangingRule, ...]


class HangingBook(QObject):
    """Rules in their order.

    Signals
    -------
    changed
        There are other rules, or in another order.
    """

    changed = Signal()

    def __init__(
        self, workspace: Path, runner: Runner, history: History, messages: Messages,
        parent: QObject | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._path = Path(workspace) / FILE_NAME
        self._runner = runner
        self._history = history
        self._messages = messages
        self._rules: Rules | None = None

    @property
    def rules(self) -> Rules:
        """All rules; read when first asked for."""
        if self._rules is None:
            self._rules = self._read()
        return self._rules

    def _read(self) -> Rules:
        try:
            return workspace_rules(self._path.parent)
        except BadInputError as error:
            aside = self._path.with_name("hanging.damaged.json")
            self._path.replace(aside)
            self._messages.error(
                self.tr("The hanging protocols cannot be read; the shipped ones are used"),
                self.tr("{0} It was kept as {1}.").format(str(error), aside.name),
            )
            return shipped_rules()

    def get(self, rule_id: str) -> HangingRule | None:
        """One rule."""
        return next((rule for rule in self.rules if rule.rule_id == rule_id), None)

    # changing

    def put(self, rule: HangingRule, words: str) -> None:
        """Replace the rule with this id in its place, or add it at the top."""
        if self.get(rule.rule_id) is None:
            self.set_rules((rule, *self.rules), words)
        else:
            changed = (rule if old.rule_id == rule.rule_id else old for old in self.rules)
            self.set_rules(changed, words)

    def duplicate(self, rule: HangingRule, name: str) -> None:
        """A copy with a name of its own, above the rule."""
        copy = replace(rule, rule_id=new_id("rule"), name=name, shipped=False)
        at = next(i for i, r in enumerate(self.rules) if r.rule_id == rule.rule_id)
        self.set_rules((*self.rules[:at], copy, *self.rules[at:]), name)

    def remove(self, rule_id: str, words: str) -> None:
        """Take a rule out."""
        self.set_rules((rule for rule in self.rules if rule.rule_id != rule_id), words)

    def move(self, rule_id: str, by: int, words: str) -> None:
        """Up (negative) or down the list."""
        order = list(self.rules)
        at = next(i for i, rule in enumerate(order) if rule.rule_id == rule_id)
        to = min(max(at + by, 0), len(order) - 1)
        order.insert(to, order.pop(at))
        self.set_rules(order, words)

    def set_rules(self, rules: Iterable[HangingRule], words: str) -> None:
        """Other rules, as one undoable step."""
        before, after = self.rules, tuple(rules)
        if before == after:
            return

        def undo() -> None:
            self._set(before)

        def redo() -> None:
            self._set(after)

        redo()
        self._history.push(Step(words, undo, redo))

    def _set(self, rules: Rules) -> None:
        self._rules = rules
        path = self._path

        def work(_handle: Handle) -> None:
            write_rules(path, rules)

        self._runner.run("save hanging protocols", work, _nothing, self._not_saved, newest=True)
        self.changed.emit()

    def _not_saved(self, sentence: str) -> None:
        if sentence:
            self._messages.error(self.tr("The hanging protocols could not be saved"), sentence)

    def restore_shipped(self, words: str) -> None:
        """Bring the shipped examples back as they came; others stay."""
        shipped = shipped_rules()
        ids = {rule.rule_id for rule in shipped}
        self.set_rules((*(r for r in self.rules if r.rule_id not in ids), *shipped), words)

    # files

    def import_file(self, path: Path) -> None:
        """Add the rules of a file on top; a rule that is there already is not doubled."""

        def work(_handle: Handle) -> Rules:
            return read_rules(path)

        def done(found: Rules) -> None:
            new = merged(self.rules, found)
            added = len(new) - len(self.rules)
            self.set_rules(new, self.tr("Import hanging protocols"))
            self._messages.success(self.tr("Hanging protocols imported: {0}").format(added))

        def failed(sentence: str) -> None:
            if sentence:
                self._messages.error(self.tr("Nothing was imported"), sentence)

        self._runner.run("import hanging protocols", work, done, failed)

    def export_file(self, path: Path, rules: Rules) -> None:
        """Write rules to a file."""

        def work(_handle: Handle) -> None:
            write_rules(path, tuple(replace(rule, shipped=False) for rule in rules))

        def done(_nothing: object) -> None:
            self._messages.success(
                self.tr("Hanging protocols written to {0}: {1}").format(path.name, len(rules))
            )

        self._runner.run("export hanging protocols", work, done, self._not_saved)


def merged(rules: Rules, added: Rules) -> Rules:
    """``added`` on top of ``rules``; equal ones once, other rules of the same id get a new one."""
    have = {rule.rule_id: rule for rule in rules}
    new = []
    for rule in added:
        same = have.get(rule.rule_id)
        if same is not None and replace(same, shipped=False) == replace(rule, shipped=False):
            continue
        new.append(rule if same is None else replace(rule, rule_id=new_id("rule"), shipped=False))
    return (*new, *rules)


def _nothing(_value: object) -> None:
    """Saved: nobody needs to hear of it."""
