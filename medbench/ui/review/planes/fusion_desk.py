"""Lays one display over another: loads it, chooses how it looks at first."""

from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, QPoint, Slot

from medbench.base.errors import BadInputError
from medbench.domain.image import DisplaySet, VoiFunction, VoiWindow
from medbench.imaging.colormap import ColourMap
from medbench.imaging.fusion import IDENTITY, Fusion
from medbench.imaging.window import auto_voi
from medbench.session.cut_shelf import FusionVolume, fusion_candidates
from medbench.session.library import display_key
from medbench.ui.review.planes.fusion_popup import FusionPopup
from medbench.ui.review.view_model import ViewModel

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport
    from medbench.ui.review.workspace import ReviewWorkspace

_SUV_UPPER = 6.0
_NUCLEAR = ("PT", "NM")


class FusionDesk(QObject):
    """What the fusion commands and the popup do."""

    def __init__(self, page: "ReviewWorkspace") -> None:
        super().__init__(page)
        self._page = page
        self.popup = FusionPopup(page)
        self.popup.wanted.connect(self._wanted)

    def candidates(self, model: ViewModel) -> list[DisplaySet]:
        """Displays that may lie over the shown one."""
        if model.display is None:
            return []
        found = fusion_candidates(model.display, self._page.session.library.studies)
        known = {display_key(display) for display in found}
        linked = [d for d, _ in self._linked(model) if display_key(d) not in known]
        return found + linked

    def _linked(self, model: ViewModel) -> list[tuple[DisplaySet, Any]]:
        """Displays on the wall that a registration or the reader's offset links to this one."""
        own = next((s for s in self._page.showing.screens if s.model is model), None)
        found = []
        for screen in self._page.showing.screens:
            display = screen.display
            if own is None or screen is own or display is None or not display.reformattable:
                continue
            way = self._page.sync.way_between(own.stack, screen.stack)
            if way is not None:
                found.append((display, way))
        return found

    def _way(self, model: ViewModel, display: DisplaySet) -> Any:
        """Transform to a display of another frame of reference; None where none is known."""
        key = display_key(display)
        return next((way for d, way in self._linked(model) if display_key(d) == key), None)

    def open(self, view: "Viewport", place: QPoint) -> None:
        """Open the popup of a view."""
        self.popup.open_for(view, place, self.candidates(view.model))

    def set_fusion(
        self, model: ViewModel, display: DisplaySet | None, transform: Any = None
    ) -> None:
        """Lay a display over a model's pictures, or nothing (None).

        ``transform`` (4 x 4) leads from points of the shown pictures (LPS mm) to the display's own;
        without one both must share a frame of reference (PS3.3 C.7.4.1), or be linked on the wall.

        Raises
        ------
        BadInputError
            Nothing is shown, or the frames of reference differ and there is no transform.
        """
        if display is None:
            model.plane_state.set_fusion(None)
            return
        shown = model.display
        if shown is None or shown.geometry is None or display.geometry is None:
            raise BadInputError("Only pictures with a place in the patient can be fused.")
        own = shown.geometry.frame_of_reference_uid
        same = own and own == display.geometry.frame_of_reference_uid
        if transform is None and not same:
            transform = self._way(model, display)
        if transform is None and not same:
            raise BadInputError(
                "The two series have different frames of reference: register them first."
            )
        matrix = IDENTITY if transform is None else _matrix(transform)
        key = model.key

        def done(found: FusionVolume) -> None:
            if model.key == key:
                model.plane_state.set_fusion(first_look(found, matrix))
                self.popup.refresh()

        def failed(sentence: str) -> None:
            if sentence:
                self._page.session.messages.warning(self.tr("Nothing was fused"), sentence)

        self._page.session.cuts.fetch(display, done, failed, self._loaded(display))

    def _loaded(self, display: DisplaySet) -> Any:
        """The volume, where a view shows the display already."""
        key = display_key(display)
        models = {view.model for view in self._page.views()}
        found = next((m.volume for m in models if m.key == key and m.volume is not None), None)
        return found if found is not None and found.ready.all() else None

    @Slot(object, object)
    def _wanted(self, model: ViewModel, display: DisplaySet | None) -> None:
        try:
            self.set_fusion(model, display)
        except BadInputError as error:
            self._page.session.messages.warning(self.tr("Nothing was fused"), str(error))

    def toggle(self, model: ViewModel) -> None:
        """Show or hide; where nothing was fused yet, the first that can be (PET before others)."""
        fusion: Fusion | None = model.plane_state.fusion
        if fusion is not None:
            model.plane_state.set_fusion(fusion.changed(shown=not fusion.shown))
            return
        found = self.candidates(model)
        if found:
            self._wanted(model, found[0])
        else:
            self._page.session.messages.info(
                self.tr("No other series shares the frame of reference of this one")
            )


def first_look(found: FusionVolume, transform: tuple[float, ...]) -> Fusion:
    """How a display is fused before the reader changes it.

    PET in SUV from 0 to 6, where SUV is known; other nuclear images from zero to the upper end of
    their own window; everything else in its automatic window, half opaque.
    """
    display, info = found.display, found.info
    factor, unit = 1.0, info.value_unit
    middle = found.voxels[found.voxels.shape[0] // 2]
    window = auto_voi(middle, info)
    colours, opacity = ColourMap.HOT_IRON, 0.5
    if display.modality in _NUCLEAR:
        opacity = 0.7
        high = window.center + window.width / 2
        if info.suv_factor is not None:
            factor, unit, high = info.suv_factor, "SUV", _SUV_UPPER
        high = max(high, 1e-6)
        window = VoiWindow(high / 2, high, VoiFunction.LINEAR_EXACT)
    return Fusion(
        display_key(display), display.description or display.modality,
        np.ascontiguousarray(found.voxels), found.geometry, window, unit, factor, info.padding,
        transform, colours, opacity,
    )  # fmt: skip


def _matrix(transform: Any) -> tuple[float, ...]:
    values = np.asarray(transform, float).reshape(-1)
    if values.size != 16:
        raise BadInputError("A transform for fusion has sixteen numbers, 4 x 4.")
    return tuple(float(v) for v in values)
