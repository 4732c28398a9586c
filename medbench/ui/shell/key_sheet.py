"""The key sheet: every key as it is now, grouped, searchable, on one page that prints."""

from html import escape
from pathlib import Path

from PySide6.QtCore import QMarginsF, Slot
from PySide6.QtGui import QPageLayout, QPageSize, QPdfWriter, QTextDocument
from PySide6.QtWidgets import QDialog, QFileDialog, QTextBrowser, QVBoxLayout, QWidget

from medbench.ui.actions.keymap import KeyMap
from medbench.ui.actions.registry import native
from medbench.ui.actions.spec import ActionSpec
from medbench.ui.theme.current import current
from medbench.ui.widgets import Button, SearchField, hbox, label

_COLUMNS = 3


class KeySheet(QDialog):
    """Opens with ``?``; shows the live map."""

    def __init__(self, keymap: KeyMap, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._keymap = keymap
        self.setWindowTitle(self.tr("Keys"))
        self.setAccessibleName(self.tr("Key sheet"))
        self.resize(1000, 720)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(10)
        head = hbox()
        self.title = label("", "page")
        head.addWidget(self.title)
        head.addStretch(1)
        self.search = SearchField(self.tr("Search commands and keys"))
        self.search.setFixedWidth(280)
        self.search.textChanged.connect(self.refresh)
        head.addWidget(self.search)
        self.save = Button(self.tr("Save as PDF"), "normal", "file")
        self.save.clicked.connect(self._choose_file)
        head.addWidget(self.save)
        column.addLayout(head)
        self.sheet = QTextBrowser()
        self.sheet.setAccessibleName(self.tr("Keys of all commands"))
        self.sheet.setOpenLinks(False)
        column.addWidget(self.sheet, 1)
        keymap.changed.connect(self.refresh)

    def open_sheet(self) -> None:
        """Show it, with everything."""
        self.search.clear()
        self.refresh()
        self.show()
        self.raise_()
        self.search.setFocus()

    def groups(self, needle: str = "") -> dict[str, list[tuple[str, str]]]:
        """(key, title) by menu, of commands that have a key and hold every word."""
        words = needle.lower().split()
        found: dict[str, list[tuple[str, str]]] = {}
        for spec in self._keymap.registry.specs():
            key = self._keymap.registry.key_of(spec.action_id)
            if not key:
                continue
            text = f"{spec.title} {native(key)} {spec.area}".lower()
            if all(word in text for word in words):
                found.setdefault(self._group(spec), []).append((native(key), spec.title))
        return found

    def _group(self, spec: ActionSpec) -> str:
        if spec.context == "viewport":
            return self.tr("Viewport with the focus")
        return spec.area or self.tr("Other")

    def mouse_rows(self) -> list[tuple[str, str]]:
        """What buttons and wheel do."""
        drags = {"window": self.tr("Window"), "pan": self.tr("Pan"), "zoom": self.tr("Zoom"),
                 "scroll": self.tr("Scroll")}  # fmt: skip
        mouse = self._keymap.mouse
        return [
            (self.tr("Left"), self.tr("Tool in the hand")),
            (self.tr("Middle"), drags[mouse.middle]),
            (self.tr("Right"), drags[mouse.right]),
            (self.tr("Wheel"), self.tr("Images of the viewport below the pointer")),
            (self.tr("Shift + wheel"), self.tr("Ten images")),
            (self.tr("Ctrl + wheel"), self.tr("Zoom")),
            (self.tr("Ctrl + Shift + wheel"), self.tr("Thickness of the slab")),
            (self.tr("Shift while windowing"), self.tr("Ten times finer")),
            (self.tr("Ctrl while windowing"), self.tr("Four times coarser")),
            (self.tr("Double click"), self.tr("One view fills the wall, and back")),
        ]

    def html(self, needle: str, ink: str, grey: str, line: str) -> str:
        """The page; colours are those of the paper it goes on."""
        groups = self.groups(needle)
        if not needle:
            groups = {self.tr("Mouse"): self.mouse_rows(), **groups}
        columns: list[list[str]] = [[] for _ in range(_COLUMNS)]
        heights = [0] * _COLUMNS
        for name, rows in groups.items():
            at = heights.index(min(heights))
            heights[at] += len(rows) + 2
            body = "".join(
                f'<tr><td width="38%" style="padding:2px 10px 2px 0; color:{ink}">'
                f"<b>{escape(key)}</b></td>"
                f'<td style="padding:2px 0; color:{ink}">{escape(title)}</td></tr>'
                for key, title in rows
            )
            columns[at].append(
                f'<p style="color:{grey}; margin-top:10px; margin-bottom:2px"><b>{escape(name)}</b>'
                f'</p><table width="100%" cellspacing="0" style="border-top:1px solid {line}">'
                f"{body}</table>"
            )
        cells = "".join(
            f'<td width="33%" valign="top" style="padding-right:16px">{"".join(part)}</td>'
            for part in columns
        )
        if not groups:
            return f'<p style="color:{grey}">{escape(self.tr("Nothing found"))}</p>'
        return f'<table width="100%"><tr>{cells}</tr></table>'

    @Slot()
    def refresh(self, *_: object) -> None:
        """The map again."""
        tokens = current()
        self.title.setText(self.tr("Keys: {0}").format(self._keymap.preset.name))
        needle = self.search.text()
        self.sheet.setHtml(self.html(needle, tokens.text, tokens.text2, tokens.divider))

    @Slot()
    def _choose_file(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, self.tr("Save as PDF"), "medbench-keys.pdf",
                                              "PDF (*.pdf)")  # fmt: skip
        if name:
            self.save_pdf(Path(name))

    def save_pdf(self, path: Path) -> None:
        """Black on white, A4 across."""
        writer = QPdfWriter(str(path))
        writer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
        writer.setPageOrientation(QPageLayout.Orientation.Landscape)
        writer.setPageMargins(QMarginsF(12, 12, 12, 12), QPageLayout.Unit.Millimeter)
        writer.setTitle(self.title.text())
        page = QTextDocument()
        written = page.defaultFont()
        written.setPointSize(9)
        page.setDefaultFont(written)
        title = escape(self.title.text())
        page.setHtml(f'<p style="font-size:14pt; color:#000000"><b>medbench · {title}</b></p>'
                     f"{self.html('', '#000000', '#444444', '#999999')}")  # fmt: skip
        page.print_(writer)
