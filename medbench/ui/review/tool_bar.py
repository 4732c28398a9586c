"""The bar above the viewports: tools, switches, buttons of the features, the window box."""

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QToolButton, QWidget

from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.review.feature import Feature, ToolButtonSpec
from medbench.ui.review.view_model import Tool
from medbench.ui.widgets import ToolButton

if TYPE_CHECKING:
    from collections.abc import Sequence

_TOOLS = {
    Tool.WINDOW: "sun", Tool.PAN: "hand", Tool.ZOOM: "zoom-in", Tool.SCROLL: "layers",
    Tool.CROSSHAIR: "crosshair",
}  # fmt: skip
_LAYOUTS = ("layout_1x1", "layout_1x2", "layout_2x1", "layout_2x2", "layout_2x3", "layout_3x3",
            "layout_4x4")  # fmt: skip
_PLAIN = (
    ToolButtonSpec("invert", "contrast"),
    ToolButtonSpec("rotate_right", "rotate-cw", ("rotate_right", "rotate_left", "flip_horizontal",
                                                 "flip_vertical")),
    ToolButtonSpec("toggle_mpr", "layout-grid", _LAYOUTS),
    ToolButtonSpec("toggle_sync", "link", ("sync_scroll", "sync_view", "sync_window",
                                           "link_as_shown", "unlink")),
    ToolButtonSpec("reset", "rotate-ccw"),
    ToolButtonSpec("run_ai", "brain", ("run_ai", "toggle_overlay")),
)  # fmt: skip


class ReviewToolBar(QFrame):
    """Buttons of registered commands; what is rare stands under an arrow."""

    def __init__(
        self, actions: ActionRegistry, features: "Sequence[Feature]", end: QWidget,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._actions = actions
        self.setObjectName("toolbar")
        self.setFixedHeight(49)
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 2, 8, 2)
        row.setSpacing(2)
        for tool, icon in _TOOLS.items():
            row.addWidget(self._button(ToolButtonSpec(f"tool_{tool.value}", icon)))
        for feature in features:
            if buttons := feature.buttons():
                row.addSpacing(8)
                for button in buttons:
                    row.addWidget(self._button(button))
        row.addSpacing(8)
        for button in _PLAIN:
            row.addWidget(self._button(button))
        row.addStretch(1)
        row.addWidget(end)

    def _button(self, spec: ToolButtonSpec) -> ToolButton:
        act = self._actions.action
        button = ToolButton(act(f"medbench.review.{spec.command}"), spec.icon)
        if spec.variants:
            menu = QMenu(button)
            for name in spec.variants:
                menu.addAction(act(f"medbench.review.{name}"))
            button.setMenu(menu)
            button.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        return button
