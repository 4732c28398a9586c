"""The commands of Review, as data."""

from collections.abc import Callable, Container, Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from medbench.ui.actions.registry import VIEWPORT
from medbench.ui.actions.spec import ActionSpec

if TYPE_CHECKING:
    from medbench.ui.review.workspace import ReviewWorkspace

translate = QCoreApplication.translate
_SWITCHES = frozenset({"toggle_mpr", "toggle_overlay", "toggle_planes", "toggle_shutter",
                       "toggle_texts", "toggle_sync", "sync_scroll", "sync_view",
                       "sync_window"})  # fmt: skip
_ON_AT_FIRST = _SWITCHES - {"toggle_mpr", "toggle_sync"}


def register_commands(workspace: "ReviewWorkspace") -> None:
    """Register every command of the workspace."""
    view, ai = translate("Review", "Image"), translate("Review", "AI")
    tools, sync = workspace.tools, workspace.sync
    rows = [
        (tools.tool_window, translate("Review", "Window"), view, "W", "contrast", ""),
        (tools.tool_pan, translate("Review", "Pan"), view, "P", "hand", ""),
        (tools.tool_zoom, translate("Review", "Zoom"), view, "Z", "zoom-in", ""),
        (tools.tool_scroll, translate("Review", "Scroll"), view, "S", "layers", ""),
        (tools.tool_crosshair, translate("Review", "Crosshair"), view, "X", "crosshair", ""),
        (tools.invert, translate("Review", "Invert"), view, "I", "contrast", ""),
        (tools.rotate_right, translate("Review", "Rotate right"), view, "R", "rotate-cw", ""),
        (tools.rotate_left, translate("Review", "Rotate left"), view, "L", "rotate-ccw", ""),
        (tools.flip_horizontal, translate("Review", "Flip left-right"), view, "H",
         "flip-horizontal", ""),
        (tools.flip_vertical, translate("Review", "Flip top-bottom"), view, "V",
         "flip-vertical", ""),
        (workspace.toggle_mpr, translate("Review", "Planes"), view, "M", "layout-grid",
         translate("Review", "Stack or three planes")),
        (tools.reset, translate("Review", "Reset"), view, "Space", "rotate-ccw",
         translate("Review", "Fit, and the file's own window")),
        (tools.auto_window, translate("Review", "Auto"), view, "A", "wand",
         translate("Review", "Window from the picture's own values")),
        (workspace.next_display, translate("Review", "Next series"), view, "N",
         "chevron-right", ""),
        (workspace.next_time, translate("Review", "Next time point"), view, "]",
         "chevron-right", ""),
        (workspace.previous_time, translate("Review", "Previous time point"), view, "[",
         "chevron-right", ""),
        (tools.toggle_planes, translate("Review", "Overlay planes"), view, "Shift+O", "layers",
         translate("Review", "Show or hide what the file draws on its image")),
        (tools.toggle_shutter, translate("Review", "Shutter"), view, "Shift+S", "square",
         translate("Review", "Hide what the shutter hides, or show it")),
        (tools.toggle_texts, translate("Review", "Corner texts"), view, "T", "text",
         translate("Review", "Show or hide the texts in the corners")),
        (workspace.ai_desk.run_ai, translate("Review", "Run AI"), ai, "Ctrl+R", "brain", ""),
        (tools.toggle_overlay, translate("Review", "AI overlay"), ai, "O", "eye",
         translate("Review", "Show or hide the attribution overlay")),
        (sync.toggle_sync, translate("Review", "Sync"), view, "J", "link",
         translate("Review", "Scroll, zoom, pan and window the views together")),
        (sync.sync_scroll, translate("Review", "Sync scrolling"), view, "", "", ""),
        (sync.sync_view, translate("Review", "Sync zoom and pan"), view, "", "", ""),
        (sync.sync_window, translate("Review", "Sync window"), view, "", "", ""),
        (sync.link_as_shown, translate("Review", "Link slices as shown now"), view, "Alt+J", "",
         translate("Review", "Views of two frames of reference scroll with this offset")),
        (sync.unlink, translate("Review", "Forget the offsets"), view, "", "", ""),
        (workspace.tools.maximise, translate("Review", "Maximise viewport"), view, "F11", "", ""),
    ]  # fmt: skip
    register_rows(workspace, rows, _SWITCHES)
    register_rows(workspace, [
        (workspace.tools.next_view, translate("Review", "Next viewport"), view, "Tab", "", ""),
        (workspace.tools.previous_view, translate("Review", "Previous viewport"), view,
         "Shift+Tab", "", ""),
    ], context=VIEWPORT)  # fmt: skip
    for layout in workspace.tools.layouts:
        words = translate("Review", "Layout {0} × {1}")
        workspace.actions_registry.register(
            ActionSpec(
                f"medbench.review.layout_{layout.rows}x{layout.columns}",
                words.format(layout.rows, layout.columns), layout.choose, view,
                icon="layout-grid", workspace="review",
            )
        )  # fmt: skip
    for name in sorted(_ON_AT_FIRST):
        workspace.actions_registry.action(f"medbench.review.{name}").setChecked(True)


Row = tuple[Callable[..., None], str, str, str, str, str]
"""Bound method, title, menu, key, icon, tooltip."""


def register_rows(
    workspace: "ReviewWorkspace", rows: Iterable[Row], switches: Container[str] = (), *,
    context: str = "",
) -> None:  # fmt: skip
    """Register commands ``medbench.review.<name of the method>``; tools and switches check.

    ``context``: where their keys work, see `ActionSpec.context`.
    """
    registry = workspace.actions_registry
    for callback, title, area, key, icon, tip in rows:
        name = callback.__name__
        registry.register(
            ActionSpec(
                f"medbench.review.{name}", title, callback, area, key, icon, tip,
                checkable=name in switches or name.startswith("tool_"), workspace="review",
                context=context,
            )
        )  # fmt: skip
