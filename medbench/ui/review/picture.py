"""The picture of a viewport: values at the screen's resolution, then grey, shutter, overlays."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from medbench.domain.image import FrameInfo, Volume
from medbench.imaging.across import AcrossSlices
from medbench.imaging.presentation import decorate
from medbench.imaging.resize import block_mean
from medbench.imaging.reslice import MprPlane, PlaneKind
from medbench.imaging.turned import TurnedPlane
from medbench.imaging.window import ValueIndex, display_frame
from medbench.ui.review.cut_source import CutSource
from medbench.ui.review.painting import grey_image
from medbench.ui.review.placement import Placement
from medbench.ui.review.view_model import ViewModel


class PictureSource:
    """Makes and keeps the image of one viewport; nothing is computed twice."""

    def __init__(self, model: ViewModel, kind: PlaneKind, changed: Callable[[], None]) -> None:
        """``changed`` is called when a picture that was computed elsewhere has come."""
        self.cuts = CutSource(model, kind, changed)
        self._model = model
        self._kind = kind
        self._image: QImage | None = None
        self._stamp: Any = None
        self._small: tuple[Any, NDArray[Any]] | None = None
        self._index: tuple[NDArray[Any] | None, ValueIndex | None] = (None, None)
        self._across: AcrossSlices | None = None
        self._cut: NDArray[Any] | None = None
        self._version = 0
        """Counts cuts; held cuts never share a number."""

    def forget(self) -> None:
        """Another display."""
        self._image, self._stamp, self._small = None, None, None
        self._index, self._across = (None, None), None
        self.cuts.forget()

    def acquired_index(self, index: int, plane: MprPlane | None) -> int:
        """Acquired slice whose presentation holds for picture ``index``."""
        if plane is None:
            return min(index, self._last_slice)
        if plane.axes[0] != 0 or plane.geometry.resampled or isinstance(plane, TurnedPlane):
            return 0
        return plane.shape[0] - 1 - index if plane.flips[0] else index

    @property
    def _last_slice(self) -> int:
        volume = self._model.volume
        return 0 if volume is None else max(0, len(volume.ready) - 1)

    def values(self, index: int) -> NDArray[Any] | None:
        """Modality values of picture ``index``, or None while they are not there."""
        volume = self._model.volume
        plane = self._model.plane(self._kind)
        if volume is None:
            return None
        if plane is not None and self.cuts.serves(plane):
            return self.cuts.whole(plane, index)
        if self._kind is PlaneKind.ACQUIRED:
            if index >= len(volume.ready) or not volume.ready[index]:
                return None
            return np.asarray(volume.voxels[index])
        voxels = self._model.plane_voxels(self._kind)
        if plane is None or voxels is None:
            return None
        if not volume.ready.all():
            return np.asarray(plane.picture(voxels, index))
        across = self._across
        if across is None or across.voxels is not voxels or not across.serves(plane):
            across = self._across = AcrossSlices(plane, voxels)
        return np.asarray(across.picture(index))

    def _unready(self, volume: Volume, plane: MprPlane | None, index: int) -> Any:
        """Pixels of a cut whose slices are not read yet; None where all are there."""
        if plane is None or self._kind is PlaneKind.ACQUIRED or volume.ready.all():
            return None
        if plane.geometry.resampled or self.cuts.serves(plane):
            return None
        spread = np.broadcast_to(volume.ready[:, None, None], volume.voxels.shape[:3])
        return ~np.asarray(plane.picture(spread, index))

    def _thinned(
        self, values: NDArray[Any], index: int, step: int, size: tuple[int, int], *, padded: bool
    ) -> NDArray[Any]:
        """Values at the screen's resolution; kept while only the window changes.

        Blocks are averaged before the window is applied, so that a large picture costs no more
        than the screen it is shown on; where padding lies among the values single ones are taken.
        """
        volume = self._model.volume
        loading = volume is not None and not volume.ready.all()
        stamp = (id(self._model.plane_voxels(self._kind)), index, step, size, self._version)
        if not loading and self._small is not None and self._small[0] == stamp:
            return self._small[1]
        if step > 1 and values.dtype.kind in "iu" and values.ndim == 2 and not padded:
            small = block_mean(values, step)
        else:
            small = values[::step, ::step]
        if step > 1:  # the exact screen pixels: nothing is left for the painter to scale
            rows, columns = (
                np.minimum((np.arange(n) + 0.5) * have / n, have - 1).astype(np.intp)
                for n, have in zip(size, small.shape[:2], strict=True)
            )
            small = small[rows][:, columns]
        small = np.ascontiguousarray(small)
        self._small = (stamp, small)
        return small

    def _index_of(self, small: NDArray[Any]) -> ValueIndex | None:
        """Made when the same values are drawn a second time: then only the window changes."""
        known, index = self._index
        if known is not small:
            self._index = (small, None)
            return None
        if index is None and ValueIndex.fits(small):
            index = ValueIndex(small)
            self._index = (small, index)
        return index

    def _drawn(
        self, index: int, screen: tuple[int, int], *, hurry: bool
    ) -> tuple[NDArray[Any] | None, bool]:
        """Values to draw, and whether they are fewer than the picture has."""
        plane = self._model.plane(self._kind)
        if plane is None or not self.cuts.serves(plane):
            if self._cut is not None:
                self._cut = None
                self._version += 1
            return self.values(index), False
        values = self.cuts.whole(plane, index, wait=hurry)
        fewer = values is None
        if values is None:
            values = self.cuts.coarse(plane, index, screen)
        if values is not self._cut:
            self._cut = values
            self._version += 1
        return values, fewer

    def image(
        self, index: int, placement: Placement, ratio: float, *, hurry: bool = False
    ) -> QImage | None:
        """Picture ``index`` for this place on the screen; ``ratio`` device pixels a pixel.

        ``hurry``: the hand moves; what is costly is drawn coarsely.
        """
        model, volume = self._model, self._model.volume
        native = placement.native_size
        screen = (max(1, round(native.height() * ratio)), max(1, round(native.width() * ratio)))
        values, fewer = self._drawn(index, screen, hurry=hurry)
        if values is None or volume is None:
            return None
        reach = min(placement.rows / native.height(), placement.columns / native.width()) / ratio
        step = 1 if fewer else max(1, int(reach))
        size = screen if step > 1 else (0, 0)
        loaded = bool(volume.ready.all())
        count = -1 if loaded or self._kind is PlaneKind.ACQUIRED else int(volume.ready.sum())
        stamp = (
            id(model.plane_voxels(self._kind)), index, model.voi, model.invert, step, count, size,
            id(model.presentation), model.graphics_only, model.planes_shown, model.shutter_shown,
            self._version,
        )  # fmt: skip
        if stamp != self._stamp:
            self._image = grey_image(self._grey(values, volume, index, step, size))
            self._stamp = stamp
        return self._image

    def _grey(
        self, values: NDArray[Any], volume: Volume, index: int, step: int, size: tuple[int, int]
    ) -> NDArray[np.uint8]:
        model = self._model
        plane = model.plane(self._kind)
        info = model.info(self.acquired_index(index, plane))
        shape = values.shape[:2] if plane is None else plane.shape[1:]
        small = self._thinned(values, index, step, size, padded=info.padding is not None)
        grey = display_frame(
            small, info, model.voi, inverted=info.inverted != model.invert,
            index=self._index_of(small),
        )  # fmt: skip
        mask = self._unready(volume, plane, index)
        rows, columns = (
            np.arange(n) * have // n for n, have in zip(grey.shape[:2], shape, strict=True)
        )
        if mask is not None:
            grey[mask[rows][:, columns]] = 0
        if self._kind is PlaneKind.ACQUIRED and (info.overlays or info.shutter is not None):
            at = (rows, columns) if grey.shape[:2] != shape else (None, None)
            grey = decorate(
                grey, info, overlays=model.planes_shown, shutter=model.shutter_shown,
                rows=at[0], columns=at[1],
            )  # fmt: skip
        return grey

    def frame(self, index: int) -> FrameInfo:
        """Presentation of the shown picture."""
        return self._model.info(self.acquired_index(index, self._model.plane(self._kind)))
