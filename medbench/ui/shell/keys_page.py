"""Settings, keys and mouse: the preset, every command's key, conflicts named before they happen."""

from PySide6.QtCore import QCoreApplication, Qt, Slot
from PySide6.QtGui import QKeySequence, QShowEvent
from PySide6.QtWidgets import QComboBox, QHeaderView, QKeySequenceEdit, QTreeWidget, QTreeWidgetItem

from medbench.ui.actions.keymap import KeyMap
from medbench.ui.actions.registry import native
from medbench.ui.actions.spec import ActionSpec
from medbench.ui.widgets import Button, Card, SearchField, hbox, label

_ID = Qt.ItemDataRole.UserRole


class KeysCard(Card):
    """Choose a preset, search a command, press its new key."""

    def __init__(self, keymap: KeyMap) -> None:
        super().__init__(QCoreApplication.translate("Keys", "Keys and mouse"))
        self._keymap = keymap
        row = hbox()
        self.preset = QComboBox()
        self.preset.setAccessibleName(self.tr("Key preset"))
        for preset in keymap.presets:
            self.preset.addItem(preset.name, preset.preset_id)
        self.preset.activated.connect(self._preset_chosen)
        row.addWidget(label(self.tr("Preset"), "secondary"))
        row.addWidget(self.preset)
        self.about = label("", "secondary")
        row.addWidget(self.about, 1)
        self.reset_all = Button(self.tr("Reset all keys"), "ghost", "rotate-ccw")
        self.reset_all.clicked.connect(self._reset_all)
        row.addWidget(self.reset_all)
        self.body.addLayout(row)
        self.search = SearchField(self.tr("Search commands and keys"))
        self.search.textChanged.connect(self.refresh)
        self.body.addWidget(self.search)
        self.tree = QTreeWidget()
        self.tree.setAccessibleName(self.tr("Commands and their keys"))
        self.tree.setHeaderLabels([self.tr("Command"), self.tr("Key"), self.tr("Of the preset")])
        self.tree.setMinimumHeight(300)
        self.tree.setRootIsDecorated(True)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.currentItemChanged.connect(self._command_chosen)
        self.body.addWidget(self.tree, 1)
        line = hbox()
        self.chosen = label(self.tr("Choose a command"), "strong")
        line.addWidget(self.chosen, 1)
        self.field = QKeySequenceEdit()
        self.field.setAccessibleName(self.tr("New key"))
        self.field.setMaximumSequenceLength(1)
        self.field.setClearButtonEnabled(True)
        self.field.keySequenceChanged.connect(self._key_pressed)
        line.addWidget(self.field)
        self.assign = Button(self.tr("Assign"), "primary")
        self.assign.clicked.connect(self._assign)
        self.clear = Button(self.tr("No key"))
        self.clear.clicked.connect(self._clear)
        self.reset = Button(self.tr("Reset"))
        self.reset.clicked.connect(self._reset)
        for button in (self.assign, self.clear, self.reset):
            line.addWidget(button)
        self.body.addLayout(line)
        self.conflict = label("", "warning", wrap=True)
        self.body.addWidget(self.conflict)
        keymap.changed.connect(self.refresh)
        keymap.registry.registered.connect(self._registered)
        self._show_chosen()

    # list

    @Slot(str)
    def _registered(self, _action_id: str) -> None:
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    @Slot()
    def refresh(self, *_: object) -> None:
        """Fill the list if it is seen; the chosen command stays chosen."""
        if not self.isVisible():
            return
        kept, words = self.action_id, self.search.text().lower().split()
        registry = self._keymap.registry
        self.tree.blockSignals(True)
        self.tree.clear()
        areas: dict[str, QTreeWidgetItem] = {}
        for spec in registry.specs():
            key = registry.key_of(spec.action_id)
            text = f"{spec.title} {spec.area} {native(key)}".lower()
            if not all(word in text for word in words):
                continue
            if spec.area not in areas:
                area = QTreeWidgetItem([spec.area or self.tr("Other")])
                area.setFlags(Qt.ItemFlag.ItemIsEnabled)
                self.tree.addTopLevelItem(area)
                areas[spec.area] = area
            default = self._keymap.default_of(spec.action_id)
            own = self._keymap.is_own(spec.action_id)
            item = QTreeWidgetItem([spec.title, native(key), native(default) if own else ""])
            item.setData(0, _ID, spec.action_id)
            if own:
                bold = item.font(1)
                bold.setBold(True)
                item.setFont(1, bold)
            areas[spec.area].addChild(item)
            if spec.action_id == kept:
                self.tree.setCurrentItem(item)
        for area in areas.values():
            area.setExpanded(True)
        self.tree.blockSignals(False)
        preset = self._keymap.preset
        self.preset.setCurrentIndex(self.preset.findData(preset.preset_id))
        self.about.setText(preset.words)
        self._show_chosen()

    @property
    def action_id(self) -> str:
        """The chosen command; '' for none."""
        item = self.tree.currentItem()
        return str(item.data(0, _ID) or "") if item is not None else ""

    def choose(self, action_id: str) -> None:
        """Choose a command of the list."""
        for number in range(self.tree.topLevelItemCount()):
            area = self.tree.topLevelItem(number)
            for child in range(area.childCount() if area is not None else 0):
                item = area.child(child) if area is not None else None
                if item is not None and item.data(0, _ID) == action_id:
                    self.tree.setCurrentItem(item)

    @Slot()
    def _command_chosen(self, *_: object) -> None:
        self._show_chosen()

    def _show_chosen(self) -> None:
        chosen = self.action_id
        for widget in (self.field, self.clear, self.reset):
            widget.setEnabled(bool(chosen))
        self.assign.setEnabled(False)
        self.conflict.setText("")
        self.assign.setText(self.tr("Assign"))
        if not chosen:
            self.chosen.setText(self.tr("Choose a command"))
            return
        registry = self._keymap.registry
        self.chosen.setText(registry.spec(chosen).title)
        self.field.blockSignals(True)
        self.field.setKeySequence(QKeySequence(registry.key_of(chosen)))
        self.field.blockSignals(False)
        self.reset.setEnabled(self._keymap.is_own(chosen))
        self.clear.setEnabled(bool(registry.key_of(chosen)))

    # changing

    @property
    def key(self) -> str:
        """The key in the field, portable text."""
        return self.field.keySequence().toString(QKeySequence.SequenceFormat.PortableText)

    @Slot(QKeySequence)
    def _key_pressed(self, _sequence: QKeySequence) -> None:
        """Say who has the key before it is taken."""
        chosen, key = self.action_id, self.key
        if not chosen:
            return
        registry = self._keymap.registry
        self.assign.setEnabled(bool(key) and key != registry.key_of(chosen))
        taken = self._keymap.conflicts(chosen, key)
        self.assign.setText(self.tr("Take the key") if taken else self.tr("Assign"))
        self.conflict.setText(self._words(registry.spec(chosen), key, taken))

    def _words(self, mine: ActionSpec, key: str, taken: tuple[ActionSpec, ...]) -> str:
        if not taken:
            return ""
        names = ", ".join(self.tr("{0} ({1})").format(spec.title, spec.area) for spec in taken)
        words = self.tr("{0} is the key of {1}. Taken for {2} ({3}), it no longer works there.")
        return words.format(native(key), names, mine.title, mine.area)

    @Slot()
    def _assign(self) -> None:
        if self.action_id and self.key:
            self._keymap.assign(self.action_id, self.key)

    @Slot()
    def _clear(self) -> None:
        if self.action_id:
            self._keymap.assign(self.action_id, "")

    @Slot()
    def _reset(self) -> None:
        if self.action_id:
            self._keymap.reset(self.action_id)

    @Slot()
    def _reset_all(self) -> None:
        self._keymap.reset_all()

    @Slot(int)
    def _preset_chosen(self, index: int) -> None:
        self._keymap.choose(str(self.preset.itemData(index)))
