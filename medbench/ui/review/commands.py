"""The commands of Review, as data."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from medbench.ui.actions.spec import ActionSpec
from medbench.ui.review.view_model import Tool

if TYPE_CHECKING:
    from medbench.ui.review.workspace import ReviewWorkspace

translate = QCoreApplication.translate


def register_commands(workspace: "ReviewWorkspace") -> None:
    """Register every command of the workspace."""
    view, ai = translate("Review", "Image"), translate("Review", "AI")
    tools = (
        (Tool.WINDOW, translate("Review", "Window"), "W", "contrast"),
        (Tool.PAN, translate("Review", "Pan"), "P", "hand"),
        (Tool.ZOOM, translate("Review", "Zoom"), "Z", "zoom-in"),
        (Tool.SCROLL, translate("Review", "Scroll"), "S", "layers"),
        (Tool.CROSSHAIR, translate("Review", "Crosshair"), "X", "crosshair"),
    )
    callbacks = {
        Tool.WINDOW: workspace.tool_window,
        Tool.PAN: workspace.tool_pan,
        Tool.ZOOM: workspace.tool_zoom,
        Tool.SCROLL: workspace.tool_scroll,
        Tool.CROSSHAIR: workspace.tool_crosshair,
    }
    specs = [
        ActionSpec(
            f"medbench.review.tool_{tool.value}",
            title,
            callbacks[tool],
            view,
            key,
            icon,
            checkable=True,
            workspace="review",
        )
        for tool, title, key, icon in tools
    ]
    specs += [
        ActionSpec(
            "medbench.review.invert",
            translate("Review", "Invert"),
            workspace.invert,
            view,
            "I",
            "contrast",
            workspace="review",
        ),
        ActionSpec(
            "medbench.review.toggle_mpr",
            translate("Review", "Planes"),
            workspace.toggle_mpr,
            view,
            "M",
            "layout-grid",
            translate("Review", "Stack or three planes"),
            checkable=True,
            workspace="review",
        ),
        ActionSpec(
            "medbench.review.reset",
            translate("Review", "Reset"),
            workspace.reset,
            view,
            "R",
            "rotate-ccw",
            translate("Review", "Fit, and the file's own window"),
            workspace="review",
        ),
        ActionSpec(
            "medbench.review.auto_window",
            translate("Review", "Auto"),
            workspace.auto_window,
            view,
            "A",
            "wand",
            translate("Review", "Window from the picture's own values"),
            workspace="review",
        ),
        ActionSpec(
            "medbench.review.next_display",
            translate("Review", "Next series"),
            workspace.next_display,
            view,
            "N",
            "chevron-right",
            workspace="review",
        ),
        ActionSpec(
            "medbench.review.run_ai",
            translate("Review", "Run AI"),
            workspace.run_ai,
            ai,
            "Ctrl+R",
            "brain",
            workspace="review",
        ),
        ActionSpec(
            "medbench.review.toggle_overlay",
            translate("Review", "Overlay"),
            workspace.toggle_overlay,
            ai,
            "O",
            "eye",
            translate("Review", "Show or hide the attribution overlay"),
            checkable=True,
            workspace="review",
        ),
    ]
    registry = workspace.actions_registry
    for spec in specs:
        registry.register(spec)
    registry.action("medbench.review.toggle_overlay").setChecked(True)
