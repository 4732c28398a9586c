"""What the pointer does on viewports: tools of the left button, and what always lies on top."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QKeyCombination, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QMouseEvent, QPainter

from medbench.base.keymap import MouseMap
from medbench.session.ports import Done, Failed, Work

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport


class PointerTool(QObject):
    """A tool of the left button, or a layer that is always there (handles, marks).

    Every method gets the viewport below the pointer; places on the picture come from
    ``view.picture_position``. Methods that return bool say whether they took the event.
    """

    tool_id = ""
    """Of tools: the command is ``medbench.review.tool_<tool_id>``."""
    cursor = Qt.CursorShape.CrossCursor
    over_marks = False
    """Of tools: it works on the pixels also where a mark lies; marks are not taken hold of."""

    def press(self, view: "Viewport", event: QMouseEvent) -> bool:
        """A button went down."""
        return False

    def move(self, view: "Viewport", event: QMouseEvent) -> bool:
        """The pointer moved, with or without a button."""
        return False

    def release(self, view: "Viewport", event: QMouseEvent) -> bool:
        """The button went up."""
        return False

    def double_click(self, view: "Viewport", event: QMouseEvent) -> bool:
        """Second press of a double click."""
        return False

    def key(self, view: "Viewport", event: QKeyEvent) -> bool:
        """A key, before the viewport's own."""
        return False

    def leave(self, view: "Viewport") -> None:
        """The pointer left the viewport."""

    def put_down(self) -> None:
        """Another tool was chosen, or Escape: what is half done is dropped."""

    def paint(self, painter: QPainter, view: "Viewport") -> None:
        """Draw over the picture, below the corner texts; called for every visible viewport."""


def key_texts(event: QKeyEvent) -> tuple[str, ...]:
    """Portable texts of a key: as pressed, then without the Shift that its character needs."""
    keys = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    key = Qt.Key(event.key())
    full = QKeySequence(QKeyCombination(keys, key)).toString()
    if keys == Qt.KeyboardModifier.ShiftModifier and not event.text().isalpha():
        return full, QKeySequence(key).toString()
    return (full,)


class Toolbox(QObject):
    """The tools of all viewports; one of them is in the hand.

    The plain ones (window, pan, zoom, scroll, crosshair) are done by `Hand` itself; others
    are registered objects.

    Signals
    -------
    changed : str
        Another tool is in the hand.
    """

    changed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tools: dict[str, PointerTool] = {}
        self.layers: list[PointerTool] = []
        """Always there, painted in order; asked before the tool, last first."""
        self._current = "window"
        self._last_drawn = ""
        self.mouse = MouseMap()
        """What the middle and right buttons do."""
        self.keys: Callable[[str], bool] | None = None
        """Runs the command of a key (portable text) of the viewport with the focus."""
        self.worker: Callable[[str, Work, Done, Failed], None] | None = None
        """Does work away from the window, newest of a key first; None where there is no thread."""

    def register(self, tool: PointerTool) -> None:
        """Add a tool; ids are unique (ValueError)."""
        if not tool.tool_id or tool.tool_id in self._tools:
            raise ValueError(f"the tool {tool.tool_id!r} has no id of its own")
        self._tools[tool.tool_id] = tool

    def add_layer(self, layer: PointerTool) -> None:
        """Add what always lies on top."""
        self.layers.append(layer)

    @property
    def current(self) -> str:
        """Id of the tool in the hand."""
        return self._current

    @property
    def tool(self) -> PointerTool | None:
        """The tool in the hand if it is a registered one."""
        return self._tools.get(self._current)

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of registered tools."""
        return tuple(self._tools)

    def get(self, tool_id: str) -> PointerTool:
        """A registered tool."""
        return self._tools[tool_id]

    def press_key(self, event: QKeyEvent) -> bool:
        """Run the command of a key of viewports; False for a key without one."""
        return self.keys is not None and any(self.keys(text) for text in key_texts(event))

    def press_tab(self, forward: bool) -> bool:
        """Tab and Shift+Tab, which never arrive as plain keys."""
        return self.keys is not None and self.keys("Tab" if forward else "Shift+Tab")

    def choose(self, tool_id: str) -> None:
        """Take a tool into the hand."""
        if self.tool is not None:
            self.tool.put_down()
        if self._current in self._tools:
            self._last_drawn = self._current
        self._current = tool_id
        self.changed.emit(tool_id)

    def repeat(self) -> None:
        """The last registered tool again (asked for in Weasis#374)."""
        wanted = self._last_drawn or (self._current if self._current in self._tools else "")
        if wanted:
            self.choose(wanted)

    def chain(self) -> tuple[PointerTool, ...]:
        """Who is asked for an event, first to last."""
        tool = self.tool
        return (*reversed(self.layers), *(() if tool is None else (tool,)))

    def painters(self) -> tuple[PointerTool, ...]:
        """Who paints, bottom to top."""
        tool = self.tool
        return (*self.layers, *(() if tool is None else (tool,)))
