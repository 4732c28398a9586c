"""The bar above the viewports: tools, switches, buttons of the features, the window box.

What does not fit the width goes under "More", what is rarely used first.
"""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Slot
from PySide6.QtGui import QAction, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QSizePolicy, QToolButton, QWidget

from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.review.feature import Feature, ToolButtonSpec
from medbench.ui.widgets import IconButton, ToolButton, VLine

_FIRST = (
    ToolButtonSpec("tool_window", "sun", ("tool_window", "invert", "auto_window")),
    ToolButtonSpec("tool_pan", "hand"),
    ToolButtonSpec("tool_zoom", "zoom-in"),
    ToolButtonSpec("tool_scroll", "layers"),
    ToolButtonSpec("tool_crosshair", "crosshair"),
)
_LAYOUTS = ("layout_1x1", "layout_1x2", "layout_2x1", "layout_2x2", "layout_2x3", "layout_3x3",
            "layout_4x4", "toggle_mpr", "toggle_volume")  # fmt: skip
_LAST = (
    ToolButtonSpec("toggle_mpr", "layout-grid", _LAYOUTS),
    ToolButtonSpec("toggle_sync", "link", ("sync_scroll", "sync_view", "sync_window",
                                           "link_as_shown", "unlink"), rank=1),
    ToolButtonSpec("reset", "rotate-ccw", ("reset", "rotate_right", "rotate_left",
                                           "flip_horizontal", "flip_vertical")),
    ToolButtonSpec("run_ai", "brain", ("run_ai", "toggle_overlay"), rank=2),
)  # fmt: skip
_GAP_PX = 0


class ReviewToolBar(QFrame):
    """Buttons of registered commands in one row."""

    def __init__(
        self, actions: ActionRegistry, features: Sequence[Feature], end: QWidget,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._actions = actions
        self.setObjectName("toolbar")
        self.setFixedHeight(49)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(6, 2, 8, 2)
        self._row.setSpacing(_GAP_PX)
        self._stands_for: dict[str, ToolButton] = {}
        self._groups: list[tuple[QWidget | None, list[tuple[ToolButtonSpec, ToolButton]]]] = []
        middle = [spec for feature in features for spec in feature.buttons()]
        for number, specs in enumerate((_FIRST, middle, _LAST)):
            line = VLine() if number and specs else None
            if line is not None:
                self._row.addWidget(line)
            buttons = [(spec, self._button(spec)) for spec in specs]
            for _, button in buttons:
                self._row.addWidget(button)
            self._groups.append((line, buttons))
        self.more = IconButton("ellipsis", self.tr("More tools"))
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._menu = QMenu(self.more)
        self.more.setMenu(self._menu)
        self._row.addWidget(self.more)
        self._row.addStretch(1)
        self._row.addWidget(end)
        self._end = end

    def minimumSizeHint(self) -> QSize:
        return QSize(320, 49)

    def _button(self, spec: ToolButtonSpec) -> ToolButton:
        act = self._actions.action
        button = ToolButton(act(f"medbench.review.{spec.command}"), spec.icon)
        if spec.variants:
            menu = QMenu(button)
            for name in spec.variants:
                menu.addAction(act(f"medbench.review.{name}"))
            button.setMenu(menu)
            button.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
            for name in spec.variants:
                if name.startswith("tool_"):
                    act(f"medbench.review.{name}").toggled.connect(self._adopt)
                    self._stands_for[f"medbench.review.{name}"] = button
        return button

    @Slot(bool)
    def _adopt(self, checked: bool) -> None:
        """The button of a group shows the variant in the hand."""
        action = self.sender()
        if checked and isinstance(action, QAction):
            icon = self._actions.spec(action.objectName()).icon
            self._stands_for[action.objectName()].adopt(action, icon)

    @Slot()
    def fit(self) -> None:
        """Hide what does not fit, the highest rank and then the rightmost first."""
        pairs = [pair for _, buttons in self._groups for pair in buttons]
        end = max(self._end.sizeHint().width(), self._end.minimumWidth())
        room = self.width() - 14 - end - self.more.width() - 4
        room -= sum(9 + _GAP_PX for line, _ in self._groups if line is not None)
        wanted = {button: button.sizeHint().width() + _GAP_PX for _, button in pairs}
        order = sorted(range(len(pairs)), key=lambda at: (-pairs[at][0].rank, -at))
        hidden: set[int] = set()
        total = sum(wanted.values())
        for at in order:
            if total <= room:
                break
            hidden.add(at)
            total -= wanted[pairs[at][1]]
        self._menu.clear()
        for at, (spec, button) in enumerate(pairs):
            button.setMinimumWidth(wanted[button] - _GAP_PX)
            button.setVisible(at not in hidden)
            if at in hidden:
                for name in spec.variants or (spec.command,):
                    self._menu.addAction(self._actions.action(f"medbench.review.{name}"))
        self.more.setVisible(bool(hidden))
        for line, buttons in self._groups:
            if line is not None:
                line.setVisible(any(not button.isHidden() for _, button in buttons))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.fit()
