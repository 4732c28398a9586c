"""The 3-D cursor: the crosshair's point in all views whose place is known."""

from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from PySide6.QtCore import QObject, Slot

from medbench.ui.review.view_model import Tool, ViewModel

if TYPE_CHECKING:
    from medbench.ui.review.workspace import ReviewWorkspace


class PointFollower(QObject):
    """While the crosshair is the tool, linked screens show the same place (PS3.3 C.7.4.1, T43)."""

    def __init__(self, page: "ReviewWorkspace") -> None:
        super().__init__(page)
        self._page = page
        self._busy = False
        self._watched: WeakSet[ViewModel] = WeakSet()
        page.showing.display_shown.connect(self._shown)
        for screen in page.showing.every_screen():
            self._watch(screen.model)

    def _watch(self, model: ViewModel) -> None:
        if model not in self._watched:
            self._watched.add(model)
            model.point_changed.connect(self._point_changed)

    @Slot(object, object)
    def _shown(self, screen: Any, _display: object) -> None:
        self._watch(screen.model)

    @Slot()
    def _point_changed(self) -> None:
        page = self._page
        source = page.model
        if self._busy or self.sender() is not source or source.tool is not Tool.CROSSHAIR:
            return
        point = source.point_mm
        if point is None:
            return
        self._busy = True
        try:
            for screen in page.showing.screens:
                model = screen.model
                way = page.sync.way_between(page.active, screen.stack)
                if model is source or way is None:
                    continue
                stack, plane = screen.stack, screen.stack.plane
                there = way[:3, :3] @ point + way[:3, 3]
                model.set_point(there)
                if model.linked or plane is None or not stack.isVisible():
                    continue  # linked planes follow by themselves
                index = round(plane.place_of(there)[0])
                if 0 <= index < stack.count:
                    stack.set_index(index)
        finally:
            self._busy = False
