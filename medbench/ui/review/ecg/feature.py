"""ECG as a part of Review: the tools' commands, the tab with the numbers."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Slot
from PySide6.QtWidgets import QTabWidget, QWidget

from medbench.ui.actions.spec import ActionSpec
from medbench.ui.review.ecg.panel import EcgPanel
from medbench.ui.review.feature import Feature

if TYPE_CHECKING:
    from medbench.ui.review.ecg.view import WaveformView
    from medbench.ui.review.workspace import ReviewWorkspace

translate = QCoreApplication.translate
CONTEXT = "ecg"
_OF_PICTURES = ("layers", "image", "measurements", "segments")
"""Tabs that say nothing of a waveform."""


class EcgFeature(Feature):
    """Its tab is there while a waveform is shown, and so are its keys."""

    order = 5
    tab_id = "ecg"

    def __init__(self, page: "ReviewWorkspace") -> None:
        super().__init__(page)
        self._panel: EcgPanel | None = None
        self._known: WaveformView | None = None
        self._tabs: QTabWidget | None = None
        area = translate("Ecg", "ECG")
        tip = translate("Ecg", "Snap to tops and dips of the trace")
        rows = (
            (self.tool_select, translate("Ecg", "Select"), "S", "mouse-pointer-2", ""),
            (self.tool_pan, translate("Ecg", "Pan"), "P", "hand", ""),
            (self.tool_zoom, translate("Ecg", "Zoom"), "Z", "zoom-in", ""),
            (self.tool_caliper, translate("Ecg", "Caliper"), "C", "caliper",
             translate("Ecg", "Time and amplitude between two marks")),
            (self.tool_march, translate("Ecg", "March"), "M", "move-horizontal",
             translate("Ecg", "Repeat an interval along the strip")),
            (self.tool_slope, translate("Ecg", "Slope"), "L", "slash", ""),
            (self.tool_note, translate("Ecg", "Note"), "N", "type", ""),
            (self.toggle_snap, translate("Ecg", "Snap"), "G", "magnet", tip),
            (self.delete_mark, translate("Ecg", "Delete mark"), "Del", "trash-2", ""),
            (self.reset_page, translate("Ecg", "Reset"), "Space", "rotate-ccw",
             translate("Ecg", "25 mm/s, 10 mm/mV, fit the width")),
        )  # fmt: skip
        for callback, title, key, icon, words in rows:
            name = callback.__name__
            checks = name.startswith("tool_") or name == "toggle_snap"
            page.actions_registry.register(
                ActionSpec(f"medbench.ecg.{name}", title, callback, area, key, icon, words,
                           checkable=checks, workspace="review", context=CONTEXT)
            )  # fmt: skip
        self._mark_tool("select")
        self._enable(on=False)

    def tab(self) -> tuple[str, QWidget]:
        self._panel = EcgPanel()
        self._panel.mark_chosen.connect(self._mark_chosen)
        self.page.stage.currentChanged.connect(self._stage_changed)
        return translate("Ecg", "ECG"), self._panel

    @property
    def view(self) -> "WaveformView | None":
        """The waveform on stage."""
        shown = self.page.stage.view
        return shown if hasattr(shown, "desk") else None  # type: ignore[return-value]

    @Slot(int)
    def _stage_changed(self, _index: int) -> None:
        view, panel = self.view, self._panel
        self._enable(on=view is not None)
        self.page.actions_registry.enter(CONTEXT if view is not None else "")
        if self._tabs is not None:  # grey values mean nothing beside a waveform or a document
            self.page.window_panel.setVisible(self.page.stage.currentIndex() == 0)
        if panel is None:
            return
        if view is not None:
            if view is not self._known:
                self._known = view
                view.hand.tool_changed.connect(self._mark_tool)
                view.add_tools(self.page.actions_registry)
            panel.follow(view.desk)
        tabs = self._tabs
        if tabs is None:
            return
        for index in range(tabs.count()):
            tab = tabs.widget(index)
            if tab is None:
                continue
            if tab.objectName() in _OF_PICTURES:
                tabs.setTabVisible(index, view is None)
            if tab.isAncestorOf(panel):
                tabs.setTabVisible(index, view is not None)
                if view is not None:
                    tabs.setCurrentIndex(index)

    def tabs_ready(self, tabs: QTabWidget) -> None:
        self._tabs = tabs
        self._stage_changed(0)

    def _enable(self, *, on: bool) -> None:
        for spec in self.page.actions_registry.specs():
            if spec.context == CONTEXT:
                self.page.actions_registry.action(spec.action_id).setEnabled(on)

    @Slot(str)
    def _mark_tool(self, tool: str) -> None:
        for spec in self.page.actions_registry.specs():
            name = spec.action_id.rpartition(".")[2]
            if spec.context == CONTEXT and name.startswith("tool_"):
                chosen = name == f"tool_{tool}"
                self.page.actions_registry.action(spec.action_id).setChecked(chosen)

    @Slot(str)
    def _mark_chosen(self, mark_id: str) -> None:
        if self.view is not None:
            self.view.show_mark(mark_id)

    def _take(self, tool: str) -> None:
        if self.view is not None:
            self.view.choose_tool(tool)

    def tool_select(self) -> None:
        """Choose and move marks."""
        self._take("select")

    def tool_pan(self) -> None:
        """Move the paper."""
        self._take("pan")

    def tool_zoom(self) -> None:
        """Larger or smaller paper."""
        self._take("zoom")

    def tool_caliper(self) -> None:
        """Time and amplitude between two marks."""
        self._take("caliper")

    def tool_march(self) -> None:
        """An interval again and again."""
        self._take("march")

    def tool_slope(self) -> None:
        """Rise in time."""
        self._take("slope")

    def tool_note(self) -> None:
        """A text on the trace."""
        self._take("note")

    def toggle_snap(self) -> None:
        """Snap to the trace, or not."""
        if self.view is not None:
            snap = self.view.hand.snap = not self.view.hand.snap
            self.page.actions_registry.action("medbench.ecg.toggle_snap").setChecked(snap)

    def delete_mark(self) -> None:
        """Take the chosen mark away."""
        if self.view is not None:
            self.view.hand.remove_selected()

    def reset_page(self) -> None:
        """Standard paper."""
        if self.view is not None:
            self.view.reset()
