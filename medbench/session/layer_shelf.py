"""What is drawn over images: read and painted away from the window, by place in the patient."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from medbench.base.errors import BadInputError
from medbench.dicom.decoding.pool import DecoderPool
from medbench.domain.image import DisplaySet, Study
from medbench.domain.objects import (
    Layer,
    PaintedLayer,
    PlaneGrid,
    ScalarField,
    Segmentation,
    StructureSet,
)
from medbench.session.library import display_key
from medbench.session.ports import Handle, Runner


def layer_key(display: DisplaySet) -> str:
    """Key of the object a display belongs to: one object may be split into several displays."""
    return display.frames[0].sop_instance_uid or display_key(display)


Painted = Callable[[tuple[PaintedLayer, ...]], None]


class LayerShelf(QObject):
    """Segmentations, structure sets, dose and parametric maps over the shown images.

    Signals
    -------
    changed
        Layers were added or removed, or look different.
    read : DisplaySet, object
        An object was read: a layer (already on the shelf) or a presentation state.
    failed : DisplaySet, str
        It cannot be drawn, and why.
    """

    changed = Signal()
    read = Signal(object, object)
    failed = Signal(object, str)

    def __init__(self, runner: Runner, pool: DecoderPool, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._pool = pool
        self._layers: dict[str, Layer] = {}
        self._artists: dict[tuple[str, str], Any] = {}
        self.revision = 0

    @property
    def layers(self) -> tuple[Layer, ...]:
        """In the order they were added."""
        return tuple(self._layers.values())

    def attach(self, display: DisplaySet) -> None:
        """Read an object and put it on the shelf; answers with `read` or `failed`."""
        key = layer_key(display)

        def work(_handle: Handle) -> Any:
            from medbench.formats.layers import read_layer  # brings pydicom; not for the start

            return read_layer(display, self._pool)

        def done(payload: Any) -> None:
            if isinstance(payload, (Segmentation, StructureSet, ScalarField)):
                title = payload.label or display.description or display.modality
                self._layers[key] = Layer(key, title, payload)
                self._touch()
            self.read.emit(display, payload)

        def failed(sentence: str) -> None:
            if sentence:
                self.failed.emit(display, sentence)

        self._runner.run(f"attach {key}", work, done, failed)

    def remove(self, key: str) -> None:
        """Take a layer off."""
        if self._layers.pop(key, None) is not None:
            self._artists = {k: v for k, v in self._artists.items() if k[0] != key}
            self._touch()

    def clear(self) -> None:
        """Take everything off."""
        if self._layers:
            self._layers.clear()
            self._artists.clear()
            self._touch()

    def change(self, key: str, **look: Any) -> None:
        """Another look: ``shown``, ``fill``, ``outline_px``, ``hidden``."""
        layer = self._layers.get(key)
        if layer is not None:
            self._layers[key] = replace(layer, look=replace(layer.look, **look))
            self._touch()

    def _touch(self) -> None:
        self.revision += 1
        self.changed.emit()

    def paint(
        self, request: str, grid: PlaneGrid | None, instance: tuple[str, int],
        frame_of_reference_uid: str, thickness_mm: float, done: Painted,
    ) -> None:  # fmt: skip
        """Paint all shown layers on one picture; a newer request of the same name drops it.

        ``done`` is called on the GUI thread with those that lie on the picture.
        """
        layers = [layer for layer in self._layers.values() if layer.look.shown]

        def work(handle: Handle) -> tuple[PaintedLayer, ...]:
            found = []
            for layer in layers:
                if handle.cancelled():
                    break
                artist = self._artist(layer, frame_of_reference_uid)
                if artist is not None:
                    found.append(artist.paint(layer, grid, instance, thickness_mm))
            return tuple(found)

        self._runner.run(request, work, done, _nothing, newest=True)

    def _artist(self, layer: Layer, reference: str) -> Any:
        from medbench.imaging.layer_picture import LayerArtist

        at = (layer.key, reference)
        if at not in self._artists:
            try:
                self._artists[at] = LayerArtist(layer, reference)
            except BadInputError:
                self._artists[at] = None  # said once, by `refusal`; never drawn
        return self._artists[at]


def _nothing(_sentence: str) -> None:
    """Painting failed or was dropped: the picture stays without layers."""


def refusal(payload: Any, reference: str) -> str:
    """Why a layer must not be drawn on images of a frame of reference; '' when it may."""
    if isinstance(payload, Segmentation):
        own = {payload.frame_of_reference_uid}
    elif isinstance(payload, StructureSet):
        own = {s.frame_of_reference_uid for s in payload.structures}
    elif isinstance(payload, ScalarField):
        own = {payload.geometry.frame_of_reference_uid}
    else:
        return ""
    if "" in own or not reference or reference in own or not own:
        return ""
    return "It has another frame of reference than the images, so it is not drawn on them."


def target_of(
    payload: Any, studies: Sequence[Study], shown: DisplaySet | None
) -> DisplaySet | None:
    """The display a layer or presentation state belongs on; None when its images are not open.

    The shown one if it fits, else the images it names, else those of its frame of reference.
    """
    displays = [d for study in studies for series in study.series for d in series.displays]
    pictures = [d for d in displays if not d.kind.without_pictures and not is_layer_display(d)]
    images: frozenset[str] = getattr(payload, "images", frozenset())
    if not images and isinstance(payload, Segmentation):
        images = frozenset(f.referenced_uid for f in payload.frames if f.referenced_uid)
    series = set(getattr(payload, "series_uids", ()))
    reference = _reference(payload)

    def fits(display: DisplaySet) -> int:
        if any(ref.sop_instance_uid in images for ref in display.frames):
            return 3
        if display.series_instance_uid in series:
            return 2
        own = display.geometry.frame_of_reference_uid if display.geometry is not None else ""
        return 1 if reference and own == reference else 0

    order = ([shown] if shown in pictures and shown is not None else []) + pictures
    best = max(order, key=fits, default=None)
    if shown is not None and shown in pictures and fits(shown):
        return shown
    return best if best is not None and fits(best) else None


def is_layer_display(display: DisplaySet) -> bool:
    """Whether a display belongs over other images."""
    from medbench.formats.layers import is_layer

    return is_layer(display)


def _reference(payload: Any) -> str:
    if isinstance(payload, Segmentation):
        return payload.frame_of_reference_uid
    if isinstance(payload, ScalarField):
        return payload.geometry.frame_of_reference_uid
    if isinstance(payload, StructureSet):
        return next((s.frame_of_reference_uid for s in payload.structures), "")
    return ""
