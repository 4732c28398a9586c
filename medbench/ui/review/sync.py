"""Synchronised scroll, zoom and pan, window: each on its own switch, by place in the patient."""

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Slot

from medbench.domain.image import VoiWindow
from medbench.domain.links import LinkOffset
from medbench.ui.review.sync_rules import (
    Alignments,
    follow_view,
    followed_window,
    link_key,
    linked_picture,
    offset_between,
    parallel,
    way,
)
from medbench.ui.review.view_model import ViewModel
from medbench.ui.review.viewport import Viewport

if TYPE_CHECKING:
    from medbench.ui.review.workspace import ReviewWorkspace


def _never(_source: str, _target: str) -> Any:
    return None


class SyncDesk(QObject):
    """Lets the views of several screens follow the one under the hand."""

    def __init__(self, page: "ReviewWorkspace") -> None:
        super().__init__(page)
        self._page = page
        self._book = page.session.readings
        self.on = False
        self.aligned: Alignments = _never
        """Transform (4 x 4) of a registration that is switched on, by two display keys."""
        self.scroll, self.view, self.window = True, True, True
        self._busy = False
        self._starts: dict[ViewModel, VoiWindow] = {}
        page.wall.badge_clicked.connect(self.toggle_sync)
        page.showing.view_made.connect(self._watch)
        page.showing.screen_made.connect(self._screen_made)
        page.showing.arranged.connect(self._arranged)
        page.showing.display_shown.connect(self._shown)
        for view in page.showing.every_view():
            self._watch(view)
        for screen in page.showing.every_screen():
            self._screen_made(screen)

    @Slot(object)
    def _watch(self, view: Viewport) -> None:
        view.index_changed.connect(self._index_changed)
        view.moved.connect(self._moved)

    @Slot(object, object)
    def _shown(self, screen: Any, _display: object) -> None:
        self._starts.pop(screen.model, None)

    @Slot(object)
    def _screen_made(self, screen: Any) -> None:
        screen.model.window_changed.connect(self._window_changed)

    # commands

    def toggle_sync(self) -> None:
        """Link the views, or let each go its own way."""
        self.set_on(on=not self.on)

    def set_on(self, *, on: bool) -> None:
        """Link the views, or not; what the active one shows is followed at once."""
        self.on = on
        self._starts = {
            screen.model: window
            for screen in self._page.showing.screens
            if (window := screen.model.window) is not None
        }
        self._mark()
        if on:
            self._follow_scroll(self._page.active)
            self._follow_view(self._page.active)

    def sync_scroll(self) -> None:
        """Scroll together, or not."""
        self.scroll = not self.scroll
        self._mark()

    def sync_view(self) -> None:
        """Zoom and pan together, or not."""
        self.view = not self.view
        self._mark()

    def sync_window(self) -> None:
        """Window together, or not."""
        self.window = not self.window
        self._mark()

    def link_as_shown(self) -> None:
        """What the views show now belongs together, from now on: a manual offset (T43)."""
        active = self._page.active
        linked = 0
        for other in self._others(active):
            if link_key(other) == link_key(active) or not parallel(active, other):
                continue
            for source, target in ((active, other), (other, active)):
                offset = offset_between(source, target)
                if offset is not None:
                    self._book.store(offset)
                    linked += 1
        if linked:
            self.on = True
            self._mark()
            self._page.session.messages.info(self.tr("The views scroll together as they are now"))
        else:
            self._page.session.messages.info(
                self.tr("There is nothing to link: the views share one frame of reference")
            )

    def unlink(self) -> None:
        """Forget the offsets between the shown views."""
        keys = {link_key(view) for view in self._page.views()}
        for offset in self._book.of(LinkOffset):
            if offset.source in keys and offset.target in keys:
                self._book.drop(offset)

    def _mark(self) -> None:
        registry = self._page.actions_registry
        for name, on in (("toggle_sync", self.on), ("sync_scroll", self.scroll),
                         ("sync_view", self.view), ("sync_window", self.window)):  # fmt: skip
            registry.action(f"medbench.review.{name}").setChecked(on)
        self._page.wall.show_badge(on=self.on, wanted=len(self._page.showing.screens) > 1)

    @Slot()
    def _arranged(self) -> None:
        self._page.wall.show_badge(on=self.on, wanted=len(self._page.showing.screens) > 1)
        if self.on:
            self._starts = {
                s.model: self._starts.get(s.model, s.model.window)
                for s in self._page.showing.screens
                if s.model.window is not None
            }  # fmt: skip

    # following

    def _others(self, view: Viewport) -> list[Viewport]:
        """Visible views of other screens: planes of one screen follow its crosshair already."""
        return [other for other in self._page.views() if other.model is not view.model]

    def way_between(self, source: Viewport, target: Viewport) -> Any:
        """How points (LPS mm) get from one view to another, 4 x 4; None where nothing links them.

        One frame of reference, a registration that is switched on, or the reader's offset (T43).
        """
        return way(source, target, self._offset, self.aligned)

    def _offset(self, source: str, target: str) -> LinkOffset | None:
        return self._book.get(LinkOffset, f"{source}|{target}")

    def _may(self, view: object, *, wanted: bool) -> bool:
        return self.on and wanted and not self._busy and view in self._page.views()

    @Slot(int)
    def _index_changed(self, _index: int) -> None:
        view = self.sender()
        if isinstance(view, Viewport) and self._may(view, wanted=self.scroll):
            self._follow_scroll(view)

    @Slot(object)
    def _moved(self, view: Viewport) -> None:
        if self._may(view, wanted=self.view):
            self._follow_view(view)

    def _follow_scroll(self, view: Viewport) -> None:
        self._busy = True
        try:
            for other in self._others(view):
                index = linked_picture(view, other, self._offset, self.aligned)
                if index is not None:
                    other.set_index(index)
        finally:
            self._busy = False

    def _follow_view(self, view: Viewport) -> None:
        self._busy = True
        try:
            for other in self._others(view):
                if other.count and parallel(view, other):
                    follow_view(view, other, way(view, other, self._offset, self.aligned))
        finally:
            self._busy = False

    @Slot()
    def _window_changed(self) -> None:
        model = self.sender()
        if not isinstance(model, ViewModel) or model.window is None:
            return
        if not model.voi_chosen:
            self._starts[model] = model.window
        screens = self._page.showing.screens
        if self._busy or not (self.on and self.window and model.voi_chosen):
            return
        self._busy = True
        try:
            for screen in screens:
                other = screen.model
                if other is model or other.display is None or model.display is None:
                    continue
                if other.display.modality != model.display.modality:
                    continue
                voi = followed_window(
                    model.window, self._starts.get(model), other.window, self._starts.get(other),
                    model.info(0).value_unit, other.info(0).value_unit,
                )  # fmt: skip
                if voi is not None:
                    other.set_voi(voi)
        finally:
            self._busy = False
