"""What the commands of Review do to the viewports."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from medbench.ui.review.view_model import Tool, ViewModel
from medbench.ui.review.viewport import Viewport

if TYPE_CHECKING:
    from medbench.ui.review.workspace import ReviewWorkspace


_LAYOUTS = ((1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (3, 2), (3, 3), (2, 4), (3, 4), (4, 4))


class LayoutChoice(QObject):
    """One grid of viewports."""

    def __init__(self, workspace: "ReviewWorkspace", rows: int, columns: int) -> None:
        super().__init__(workspace)
        self._workspace = workspace
        self.rows, self.columns = rows, columns

    def choose(self) -> None:
        """Show this grid; new cells take the next series of the study."""
        self._workspace.showing.set_grid(self.rows, self.columns)


class ReviewTools(QObject):
    """Tools of the left button, turns and flips, windows, switches."""

    def __init__(self, workspace: "ReviewWorkspace") -> None:
        super().__init__(workspace)
        self._workspace = workspace
        self._registry = workspace.actions_registry
        self.layouts = [LayoutChoice(workspace, *grid) for grid in _LAYOUTS]

    @property
    def _model(self) -> ViewModel:
        return self._workspace.model

    @property
    def _stack(self) -> Viewport:
        return self._workspace.stack

    def _set_tool(self, tool: Tool) -> None:
        self._workspace.toolbox.choose(tool.value)

    @Slot(str)
    def mark_tool(self, chosen: str = "") -> None:
        """Check the action of the chosen tool."""
        toolbox = self._workspace.toolbox
        for tool_id in (*(tool.value for tool in Tool), *toolbox.ids):
            action = self._registry.action(f"medbench.review.tool_{tool_id}")
            action.setChecked(tool_id == toolbox.current)
        for view in self._workspace.views():
            view.update()

    def tool_window(self) -> None:
        """The left button does this."""
        self._set_tool(Tool.WINDOW)

    def tool_pan(self) -> None:
        """The left button does this."""
        self._set_tool(Tool.PAN)

    def tool_zoom(self) -> None:
        """The left button does this."""
        self._set_tool(Tool.ZOOM)

    def tool_scroll(self) -> None:
        """The left button does this."""
        self._set_tool(Tool.SCROLL)

    def tool_crosshair(self) -> None:
        """The left button does this."""
        self._set_tool(Tool.CROSSHAIR)

    def invert(self) -> None:
        """Turn the polarity round."""
        self._model.toggle_invert()

    def rotate_right(self) -> None:
        """Turn the active picture clockwise."""
        self._workspace.active.rotate_by(90)

    def rotate_left(self) -> None:
        """Turn the active picture counter-clockwise."""
        self._workspace.active.rotate_by(-90)

    def flip_horizontal(self) -> None:
        """Mirror the active picture left to right."""
        self._workspace.active.flip_by()

    def flip_vertical(self) -> None:
        """Mirror the active picture top to bottom."""
        self._workspace.active.flip_by(vertical=True)

    def reset(self) -> None:
        """Fit, centre, the file's own window."""
        self._model.reset_voi(self._stack.index)
        for view in self._workspace.viewports.values():
            view.reset()

    def auto_window(self) -> None:
        """Window from the slice's own values."""
        self._model.auto_voi(self._stack.index)

    def toggle_overlay(self) -> None:
        """Show or hide the attribution map."""
        self._model.overlay_shown = not self._model.overlay_shown
        self._registry.action("medbench.review.toggle_overlay").setChecked(
            self._model.overlay_shown
        )
        self._model.overlay_changed.emit()

    def toggle_planes(self) -> None:
        """Show or hide the overlay planes of the image."""
        self._model.switch_planes(shown=not self._model.planes_shown)
        self._mark("toggle_planes", on=self._model.planes_shown)

    def toggle_shutter(self) -> None:
        """Obey the shutter, or show what it hides."""
        self._model.switch_shutter(shown=not self._model.shutter_shown)
        self._mark("toggle_shutter", on=self._model.shutter_shown)

    def toggle_texts(self) -> None:
        """Show or hide the corner texts; what the reader must know stays."""
        self._model.switch_texts(shown=not self._model.texts_shown)
        self._mark("toggle_texts", on=self._model.texts_shown)

    def next_view(self) -> None:
        """The next viewport becomes the active one."""
        self._workspace.showing.step_active(1)

    def previous_view(self) -> None:
        """The viewport before becomes the active one."""
        self._workspace.showing.step_active(-1)

    def maximise(self) -> None:
        """Let the active viewport fill the wall, or show all again."""
        self._workspace.showing.maximise(self._workspace.showing.active)

    def _mark(self, name: str, *, on: bool) -> None:
        self._registry.action(f"medbench.review.{name}").setChecked(on)
