"""How the planes of one display are turned, how thick they are, and what is fused over them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QObject, Signal

from medbench.imaging.oblique import SlabMode
from medbench.imaging.reslice import MprPlane, PlaneKind
from medbench.imaging.slab import Slab
from medbench.imaging.turned import (
    nearest_rotation,
    plane_angles,
    rotation_about,
    slice_direction_of,
    turned_plane,
)

CUTS = (PlaneKind.AXIAL, PlaneKind.CORONAL, PlaneKind.SAGITTAL)
_SMALLEST_RAD = 1e-9
_SHOWN_DEG = 0.05
Matrix = NDArray[np.float64]
Turn = tuple[Matrix, Matrix]
"""Rotation (3 x 3) and the patient point that lies on a pixel's centre."""
translate = QCoreApplication.translate


class PlaneState(QObject):
    """Part of a `ViewModel`; every viewport of the display shares it.

    Signals
    -------
    turned
        Planes were rotated, or put back.
    slab_changed
        A plane became thicker or thinner, or joins its slices another way.
    fusion_changed
        Another display lies over the pictures, looks different, or is gone.
    """

    turned = Signal()
    slab_changed = Signal()
    fusion_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._turns: dict[PlaneKind, Turn] = {}
        self._slabs: dict[PlaneKind, Slab] = {}
        self._fusion: Any = None
        self._key = ""
        self._kept: dict[str, tuple[dict[PlaneKind, Turn], dict[PlaneKind, Slab]]] = {}

    def begin(self, key: str) -> None:
        """Another display is shown; each remembers its planes, none its fusion."""
        self._kept[self._key] = (self._turns, self._slabs)
        if key != self._key:
            turns, slabs = self._kept.get(key, ({}, {}))
            self._turns, self._slabs, self._key = dict(turns), dict(slabs), key
            self.set_fusion(None)

    # rotation

    def is_turned(self, kind: PlaneKind) -> bool:
        """Whether this plane is oblique now."""
        return kind in self._turns

    @property
    def any_turned(self) -> bool:
        """Whether any plane is oblique."""
        return bool(self._turns)

    def rotation(self, kind: PlaneKind) -> Matrix:
        """How a plane is turned away from the voxel axes (3 x 3, patient axes)."""
        return self._turns[kind][0] if kind in self._turns else np.eye(3)

    def applied(self, plane: MprPlane) -> MprPlane:
        """The plane as it is to be cut."""
        if plane.kind not in self._turns:
            return plane
        rotation, pivot = self._turns[plane.kind]
        return turned_plane(plane, rotation, pivot)

    def turn(
        self, kinds: tuple[PlaneKind, ...], axis: Any, angle_rad: float, pivot_mm: Any,
        start: dict[PlaneKind, Turn] | None = None,
    ) -> None:  # fmt: skip
        """Rotate planes about an axis (LPS) through a point, right-handed.

        Rotating two planes about the normal of the third keeps all three at right angles.
        ``start`` holds the rotations to begin with (`turns` of when a drag began).
        """
        if start is not None:
            self._turns = dict(start)
        elif abs(angle_rad) < _SMALLEST_RAD:
            return
        by = rotation_about(axis, angle_rad)
        pivot = np.asarray(pivot_mm, float)
        for kind in kinds:
            self._turns[kind] = (nearest_rotation(by @ self.rotation(kind)), pivot)
        self.turned.emit()

    @property
    def turns(self) -> dict[PlaneKind, Turn]:
        """All rotations, to be kept."""
        return dict(self._turns)

    def reset(self) -> None:
        """All planes along the voxel axes again."""
        if self._turns:
            self._turns = {}
            self.turned.emit()

    # thickness

    def slab(self, kind: PlaneKind) -> Slab | None:
        """How thick a plane is; None for single slices."""
        return self._slabs.get(kind)

    def set_slab(self, kind: PlaneKind, slab: Slab | None) -> None:
        """Make one plane thick, or thin again (None)."""
        if slab == self.slab(kind):
            return
        if slab is None:
            del self._slabs[kind]
        else:
            self._slabs[kind] = slab
        self.slab_changed.emit()

    # fusion

    @property
    def fusion(self) -> Any:
        """`medbench.imaging.fusion.Fusion` over the pictures, or None."""
        return self._fusion

    def set_fusion(self, fusion: Any) -> None:
        """Lay another display over the pictures, change its look, or take it off (None)."""
        if fusion is not self._fusion:
            self._fusion = fusion
            self.fusion_changed.emit()


def slab_name(mode: SlabMode) -> str:
    """Translated name of a way to join slices."""
    return {
        SlabMode.MEAN: translate("Slab", "Mean"),
        SlabMode.MAXIMUM: translate("Slab", "MIP"),
        SlabMode.MINIMUM: translate("Slab", "MinIP"),
    }[mode]


def plane_words(state: PlaneState, kind: PlaneKind, plane: MprPlane | None) -> list[str]:
    """What the corner says of a turned or thick plane."""
    found = []
    if plane is not None and state.is_turned(kind):
        letters, (first, other) = plane_angles(slice_direction_of(plane))
        one, two, three = letters.split(">")
        angles = f"{one}>{two} {first:.1f}°".replace("-", "\N{MINUS SIGN}")
        if abs(other) >= _SHOWN_DEG:
            angles += f" >{three} {other:.1f}°".replace("-", "\N{MINUS SIGN}")
        found.append(translate("Slab", "Oblique {0}").format(angles))
    slab = state.slab(kind)
    if slab is not None:
        words = translate("Slab", "Slab {0} mm {1}")
        found.append(words.format(f"{slab.thickness_mm:g}", slab_name(slab.mode)))
    return found
