"""Planes in Review: commands, chips, crosshair handles, slabs, reference lines, fusion."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QPoint, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from medbench.imaging.oblique import SlabMode
from medbench.imaging.reslice import PlaneKind
from medbench.imaging.slab import Slab
from medbench.ui.review.commands import register_rows
from medbench.ui.review.feature import Feature
from medbench.ui.review.overlays import plane_name
from medbench.ui.review.plane_state import CUTS
from medbench.ui.review.planes.chips import PlaneChips, can_show
from medbench.ui.review.planes.follow import PointFollower
from medbench.ui.review.planes.fusion_desk import FusionDesk
from medbench.ui.review.planes.handles import CrosshairHandles
from medbench.ui.review.planes.lines import ReferenceLines
from medbench.ui.review.planes.slab_popup import CYCLE, DEFAULT_MM, SlabPopup
from medbench.ui.review.viewport import Viewport

if TYPE_CHECKING:
    from medbench.ui.review.workspace import ReviewWorkspace

VOLUME = "volume"
"""What a chip emits for the 3-D view."""
translate = QCoreApplication.translate


class PlaneDesk(Feature):
    """What can be done with planes."""

    order = 60

    def __init__(self, page: "ReviewWorkspace") -> None:
        super().__init__(page)
        page.toolbox.worker = page.session.cuts.compute
        self.lines = ReferenceLines(page)
        self.handles = CrosshairHandles(self)
        self.chips = PlaneChips(self._open_menu, self)
        for layer in (self.lines, self.handles, self.chips):
            page.toolbox.add_layer(layer)
        self.slabs = SlabPopup(page)
        self.fusion = FusionDesk(page)
        self.set_fusion = self.fusion.set_fusion
        self.follower = PointFollower(page)
        self.menu: QMenu | None = None
        """The menu of the chip that was opened last."""
        self._register()
        page.showing.view_made.connect(self._watch)
        page.showing.active_changed.connect(self._repaint)
        page.session.library.changed.connect(self._library_changed)
        for view in page.showing.every_view():
            self._watch(view)

    def _register(self) -> None:
        area = translate("Planes", "Planes")
        rows = [
            (self.reset_planes, translate("Planes", "Straight planes"), area, "Shift+X",
             "rotate-ccw", translate("Planes", "Put rotated planes back along the slices")),
            (self.cycle_slab, translate("Planes", "Slab"), area, "Shift+M", "layers",
             translate("Planes", "Single slice, maximum, minimum, mean of a thick slab")),
            (self.slab_mip, translate("Planes", "Slab: maximum (MIP)"), area, "", "layers", ""),
            (self.slab_minip, translate("Planes", "Slab: minimum (MinIP)"), area, "", "layers", ""),
            (self.slab_mean, translate("Planes", "Slab: mean"), area, "", "layers", ""),
            (self.slab_off, translate("Planes", "Single slices"), area, "", "layers", ""),
            (self.slab_settings, translate("Planes", "Slab thickness ..."), area, "", "layers",
             ""),
            (self.toggle_fusion, translate("Planes", "Fusion"), area, "Shift+U", "eye",
             translate("Planes", "Lay another series over this one, hide it, show it again")),
            (self.fusion_settings, translate("Planes", "Fusion settings ..."), area, "", "eye",
             ""),
            (self.toggle_reference_lines, translate("Planes", "Reference lines"), area, "Shift+L",
             "layout-grid", translate("Planes", "Where the active picture cuts other series")),
            (self.plane_menu, translate("Planes", "Plane of this view ..."), area, "",
             "layout-grid", translate("Planes", "The menu of the chip at the top of the view")),
        ]  # fmt: skip
        register_rows(self.page, rows, {"toggle_reference_lines"})
        self.page.actions_registry.action("medbench.review.toggle_reference_lines").setChecked(True)

    # views

    @Slot(object)
    def _watch(self, view: "Viewport") -> None:
        view.chip_chosen.connect(self._chosen)
        view.index_changed.connect(self._repaint)

    @Slot()
    def _library_changed(self) -> None:
        """Volumes for fusion are kept only while something is open."""
        if not self.session.library.studies:
            self.session.cuts.forget()

    @Slot()
    def _repaint(self, _what: object = None) -> None:
        """Reference lines of the other screens follow the active picture."""
        view = self.sender()
        if isinstance(view, Viewport) and view is not self.page.active:
            return  # it follows, nobody follows it
        if self.lines.shown and len(self.page.showing.screens) > 1:
            for view in self.page.views():
                if view is not self.page.active:
                    view.update()

    @Slot(object, str)
    def _chosen(self, view: "Viewport", what: str) -> None:
        model, plane = view.model, view.plane
        if not model.linked and plane is not None and model.point_mm is not None:
            _, row, column = plane.place_of(model.point_mm)
            model.set_point(plane.point_of(view.index, row, column))  # the slice that is read
        self.page.showing.change_kind(view, what)

    # the chip's menu

    def _open_menu(self, view: "Viewport", place: QPoint) -> None:
        """Made anew each time: what a view can show depends on its display."""
        if self.menu is not None:
            self.menu.deleteLater()
        menu = QMenu(view)
        menu.setAccessibleName(self.tr("Plane of this view"))
        for kind in (*CUTS, PlaneKind.ACQUIRED):
            action = self._entry(menu, plane_name(kind), checked=view.kind is kind)
            action.setEnabled(can_show(view, kind))
            action.triggered.connect(_Emit(view, kind.value))
        if self.page.showing.make_volume_view is not None:
            action = self._entry(menu, self.tr("3-D"))
            action.triggered.connect(_Emit(view, VOLUME))
        menu.addSeparator()
        act = self.page.actions_registry.action
        slab = menu.addMenu(self.tr("Slab"))
        slab.setEnabled(view.can_be_thick)
        names = ("slab_off", "slab_mip", "slab_minip", "slab_mean", "slab_settings")
        for name in names:
            slab.addAction(act(f"medbench.review.{name}"))
        menu.addAction(act("medbench.review.fusion_settings"))
        menu.addAction(act("medbench.review.toggle_reference_lines"))
        reset = act("medbench.review.reset_planes")
        menu.addAction(reset)
        self.menu = menu
        menu.popup(place)

    def _entry(self, menu: QMenu, words: str, *, checked: bool = False) -> QAction:
        action = menu.addAction(words)
        action.setCheckable(True)
        action.setChecked(checked)
        return action

    def plane_menu(self) -> None:
        """Open the chip's menu of the active view."""
        self.chips.open(self.page.active)

    # commands

    def reset_planes(self) -> None:
        """All planes of the active display along its voxels again."""
        self.page.model.plane_state.reset()

    def cycle_slab(self) -> None:
        """Single slice, MIP, MinIP, mean; the thickness stays."""
        view = self.page.active
        slab = view.model.plane_state.slab(view.kind)
        now = CYCLE.index(None if slab is None else slab.mode)
        self._set_slab(CYCLE[(now + 1) % len(CYCLE)])

    def slab_off(self) -> None:
        """Single slices in the active view."""
        self._set_slab(None)

    def slab_mip(self) -> None:
        """Maxima in the active view."""
        self._set_slab(SlabMode.MAXIMUM)

    def slab_minip(self) -> None:
        """Minima in the active view."""
        self._set_slab(SlabMode.MINIMUM)

    def slab_mean(self) -> None:
        """Means in the active view."""
        self._set_slab(SlabMode.MEAN)

    def _set_slab(self, mode: SlabMode | None) -> None:
        view = self.page.active
        state = view.model.plane_state
        if mode is not None and not view.can_be_thick:
            self.session.messages.info(
                self.tr("Slices without equal steps in the patient cannot be joined to slabs")
            )
            return
        before = state.slab(view.kind)
        thickness = DEFAULT_MM if before is None else before.thickness_mm
        state.set_slab(view.kind, None if mode is None else Slab(mode, thickness))

    def slab_settings(self) -> None:
        """Open the slab popup of the active view."""
        view = self.page.active
        if view.can_be_thick:
            self.slabs.open_for(view, self._below_chip(view))

    def toggle_fusion(self) -> None:
        """Fuse, hide, show."""
        self.fusion.toggle(self.page.model)

    def fusion_settings(self) -> None:
        """Open the fusion popup of the active view."""
        self.fusion.open(self.page.active, self._below_chip(self.page.active))

    def _below_chip(self, view: "Viewport") -> QPoint:
        return view.mapToGlobal(QPoint(view.width() // 2 - 120, 32))

    def toggle_reference_lines(self) -> None:
        """Show or hide where the active picture cuts other series."""
        self.lines.shown = not self.lines.shown
        self.page.actions_registry.action("medbench.review.toggle_reference_lines").setChecked(
            self.lines.shown
        )
        for view in self.page.views():
            view.update()


class _Emit:
    """Tells the wall what the chip of a view asks for."""

    def __init__(self, view: "Viewport", what: str) -> None:
        self._view = view
        self._what = what

    def __call__(self, _checked: bool = False) -> None:
        self._view.chip_chosen.emit(self._view, self._what)
