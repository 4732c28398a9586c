"""The 3-D view in Review: its commands, and how a cell gets one."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Slot
from PySide6.QtWidgets import QWidget

from medbench.imaging.reslice import PlaneKind
from medbench.ui.review.commands import register_rows
from medbench.ui.review.feature import Feature, ToolButtonSpec
from medbench.ui.review.screen import VOLUME
from medbench.ui.review.view_model import ViewModel

if TYPE_CHECKING:
    from medbench.ui.review.volume3d.view import VolumeView
    from medbench.ui.review.workspace import ReviewWorkspace

translate = QCoreApplication.translate


class VolumeDesk(Feature):
    """Makes 3-D views when a cell first wants one."""

    order = 45

    def __init__(self, page: "ReviewWorkspace") -> None:
        super().__init__(page)
        page.showing.make_volume_view = self.make
        page.showing.fourth = VOLUME
        page.actions_registry.action("medbench.review.reset").triggered.connect(self._reset)
        area = translate("Volume", "3-D")
        register_rows(
            page,
            [
                (self.toggle_volume, translate("Volume", "3-D"), area, "Shift+3", "rotate-3d",
                 translate("Volume", "Show the volume in 3-D, or the plane again")),
                (self.volume_menu, translate("Volume", "3-D presets and views ..."), area, "",
                 "rotate-3d", ""),
                (self.volume_front, translate("Volume", "3-D from the front"), area, "", "", ""),
                (self.volume_back, translate("Volume", "3-D from the back"), area, "", "", ""),
                (self.volume_left, translate("Volume", "3-D from the left"), area, "", "", ""),
                (self.volume_right, translate("Volume", "3-D from the right"), area, "", "", ""),
                (self.volume_head, translate("Volume", "3-D from the head"), area, "", "", ""),
                (self.volume_feet, translate("Volume", "3-D from the feet"), area, "", "", ""),
                (self.volume_clip, translate("Volume", "3-D clipping box ..."), area, "", "", ""),
            ],
        )  # fmt: skip

    def buttons(self) -> tuple[ToolButtonSpec, ...]:
        return (ToolButtonSpec("toggle_volume", "rotate-3d", rank=6),)

    def make(self, model: ViewModel) -> QWidget:
        """A 3-D view for a screen; `Showing.make_volume_view`."""
        from medbench.ui.review.volume3d.view import VolumeView  # not before one is wanted

        view = VolumeView(model, self.session, self.page.wall)
        view.hide()
        view.takes_windows = lambda: self.page.showing.active is view
        view.chip_chosen.connect(self._plane_wanted)
        return view

    @Slot(object, str)
    def _plane_wanted(self, view: QWidget, kind: str) -> None:
        self.page.showing.change_kind(view, kind)

    @property
    def view(self) -> "VolumeView | None":
        """The 3-D view of the active screen, if it is on the wall."""
        found = self.page.showing.screen.volume_view
        return found if found in self.page.wall.shown else None  # type: ignore[return-value]

    def toggle_volume(self) -> None:
        """The active screen in 3-D, beside its planes where they stand; or the plane again."""
        showing = self.page.showing
        screen = showing.screen
        if self.view is not None:
            showing.change_kind(self.view, self._free_plane())
            return
        display = screen.display
        if display is None or not display.reformattable:
            self.session.messages.info(
                self.tr("This series is no volume: it cannot be shown in 3-D")
            )
            return
        own = [cell for cell in showing.cells if cell.screen is screen]
        stack = [cell for cell in own if cell.kind == PlaneKind.ACQUIRED.value]
        widget = showing.widget(stack[0]) if len(own) > 1 and stack else showing.active
        showing.change_kind(widget, VOLUME)

    @Slot()
    def _reset(self) -> None:
        """The command that resets the planes of the screen resets its 3-D view too."""
        if self.view is not None:
            self.view.reset()

    def _free_plane(self) -> str:
        """A plane that stands in no other cell of the active screen: the stack first."""
        showing = self.page.showing
        taken = {cell.kind for cell in showing.cells if cell.screen is showing.screen}
        kinds = (PlaneKind.ACQUIRED, PlaneKind.AXIAL, PlaneKind.CORONAL, PlaneKind.SAGITTAL)
        return next((k.value for k in kinds if k.value not in taken), PlaneKind.ACQUIRED.value)

    def _shown(self) -> "VolumeView | None":
        if self.view is None:
            self.toggle_volume()
        return self.view

    def _look(self, side: str) -> None:
        view = self._shown()
        if view is not None:
            view.look_from(side)

    def volume_menu(self) -> None:
        """Open the menu of the chip."""
        view = self._shown()
        if view is not None:
            view.open_menu()

    def volume_clip(self) -> None:
        """Open the clipping box."""
        view = self._shown()
        if view is not None:
            view.open_clip()

    def volume_front(self) -> None:
        """Look from there."""
        self._look("A")

    def volume_back(self) -> None:
        """Look from there."""
        self._look("P")

    def volume_left(self) -> None:
        """Look from there."""
        self._look("L")

    def volume_right(self) -> None:
        """Look from there."""
        self._look("R")

    def volume_head(self) -> None:
        """Look from there."""
        self._look("H")

    def volume_feet(self) -> None:
        """Look from there."""
        self._look("F")
