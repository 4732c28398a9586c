"""Where a picture of a volume is taken from: an orthographic camera in patient space (LPS, mm)."""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from medbench.domain.geometry import Geometry

Matrix = npt.NDArray[np.float64]
_MARGIN = 1.12
"""Room around the longest edge of the volume at zoom 1."""

_STANDARD = {
    "A": ((1, 0, 0), (0, 0, -1)),
    "P": ((-1, 0, 0), (0, 0, -1)),
    "L": ((0, 1, 0), (0, 0, -1)),
    "R": ((0, -1, 0), (0, 0, -1)),
    "H": ((-1, 0, 0), (0, 1, 0)),
    "F": ((1, 0, 0), (0, 1, 0)),
}
STANDARD_VIEWS = tuple(_STANDARD)
"""Letters of the patient side the viewer stands at (PS3.3 C.7.6.1.1.1)."""


@dataclass(frozen=True)
class Camera:
    """Directions of the screen in the patient, magnification and shift.

    ``axes`` holds nine numbers, row-major: the unit vectors that point right, down and into the
    screen; right x down = into the screen.
    """

    axes: tuple[float, ...]
    zoom: float = 1.0
    """1 = the volume's longest edge fits."""
    pan_mm: tuple[float, float] = (0.0, 0.0)
    """How far the picture is moved right and down."""

    @property
    def rotation(self) -> Matrix:
        """(3, 3): rows right, down, into the screen."""
        return np.asarray(self.axes, float).reshape(3, 3)

    @property
    def yaw_deg(self) -> float:
        """Angle of the viewer from the front to the patient's left, -180 to 180.

        The sense of Positioner Primary Angle (PS3.3 C.8.7.5): positive is LAO.
        """
        into = self.rotation[2]
        if math.hypot(into[0], into[1]) < 1e-9:  # from above or below: what lies on the right
            right = self.rotation[0]
            return math.degrees(math.atan2(right[1], right[0]))
        return math.degrees(math.atan2(-into[0], into[1]))

    @property
    def pitch_deg(self) -> float:
        """Angle of the viewer above the axial plane, -90 to 90: positive is cranial."""
        return math.degrees(math.asin(float(np.clip(-self.rotation[2][2], -1, 1))))

    def dragged(self, begin: tuple[float, float], end: tuple[float, float]) -> "Camera":
        """The volume turned as a ball that a hand moves from one place to another.

        Places are (right, down) from the middle of the screen in radii of the ball. The ball goes
        on as a hyperbola outside, so that a turn never jumps (Bell's trackball).
        """
        start, stop = _on_ball(begin), _on_ball(end)
        axis = np.cross(start, stop)
        length = float(np.linalg.norm(axis))
        if length < 1e-12:
            return self
        angle = math.atan2(length, float(start @ stop))
        return self._turned(axis / length, angle)

    def turned(self, right_deg: float, down_deg: float) -> "Camera":
        """The front of the volume moved to the right and down by angles."""
        tilted = self._turned(np.array([1.0, 0.0, 0.0]), math.radians(down_deg))
        return tilted._turned(np.array([0.0, 1.0, 0.0]), math.radians(-right_deg))

    def orbited(self, left_deg: float) -> "Camera":
        """The viewer gone round the patient's long axis, towards the left side."""
        angle = math.radians(left_deg)
        cosine, sine = math.cos(angle), math.sin(angle)
        round_head = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
        return replace(self, axes=_orthonormal(self.rotation @ round_head.T))

    def _turned(self, axis: Matrix, angle: float) -> "Camera":
        """Rodrigues' rotation of the volume about an axis in screen directions."""
        x, y, z = axis
        cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        turn = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * (cross @ cross)
        return replace(self, axes=_orthonormal(turn @ self.rotation))


def _on_ball(place: tuple[float, float]) -> Matrix:
    x, y = place
    square = x * x + y * y
    depth = math.sqrt(1 - square) if square < 0.5 else 0.5 / math.sqrt(square)
    found = np.array([x, y, -depth])  # into the screen is positive: the front is negative
    return np.asarray(found / np.linalg.norm(found))


def _orthonormal(rotation: Matrix) -> tuple[float, ...]:
    """The nearest rotation: many small turns must not add up to a shear."""
    left, _, right = np.linalg.svd(rotation)
    return tuple(float(v) for v in (left @ right).ravel())


def standard_camera(side: str, zoom: float = 1.0) -> Camera:
    """The camera at a side of the patient: A, P, L, R, H or F.

    From H and F the patient's front is on top; F is the radiological axial view.
    """
    right, down = _STANDARD[side]
    into = np.cross(right, down)
    return Camera(tuple(float(v) for v in (*right, *down, *into)), zoom)


def camera_at(yaw_deg: float, pitch_deg: float, zoom: float = 1.0) -> Camera:
    """The camera turned to the patient's left by ``yaw_deg``, then up by ``pitch_deg``."""
    yaw, pitch = math.radians(yaw_deg), math.radians(pitch_deg)
    viewer = np.array(
        [math.cos(pitch) * math.sin(yaw), -math.cos(pitch) * math.cos(yaw), math.sin(pitch)]
    )
    right = np.array([math.cos(yaw), math.sin(yaw), 0.0])
    down = np.cross(-viewer, right)
    return Camera(tuple(float(v) for v in (*right, *down, *-viewer)), zoom)


@dataclass(frozen=True)
class Sight:
    """A camera in front of one volume, and the screen it fills; pixel centres at whole numbers."""

    camera: Camera
    rows: int
    columns: int
    centre_mm: tuple[float, float, float]
    """Middle of the volume: it lies in the middle of the screen, and the volume turns about it."""
    extent_mm: float
    """Length that fills the shorter side of the screen at zoom 1."""

    @property
    def px_per_mm(self) -> float:
        """Screen pixels a millimetre."""
        return self.camera.zoom * min(self.rows, self.columns) / self.extent_mm

    @property
    def matrix(self) -> Matrix:
        """(2, 4): patient point (x, y, z, 1) -> (row, column) on the screen."""
        scale = self.px_per_mm
        right, down, _ = self.camera.rotation
        centre = np.asarray(self.centre_mm)
        pan_right, pan_down = self.camera.pan_mm
        out = np.empty((2, 4))
        out[0, :3], out[1, :3] = down * scale, right * scale
        out[0, 3] = (self.rows - 1) / 2 + (pan_down - down @ centre) * scale
        out[1, 3] = (self.columns - 1) / 2 + (pan_right - right @ centre) * scale
        return out

    def place_of(self, point_mm: npt.ArrayLike) -> tuple[float, float]:
        """(row, column) of a patient point."""
        row, column = self.matrix @ np.append(np.asarray(point_mm, float), 1.0)
        return float(row), float(column)

    def point_at(self, row: float, column: float) -> Matrix:
        """The patient point at a place of the screen, in the plane through the middle (mm)."""
        scale = self.px_per_mm
        right, down, _ = self.camera.rotation
        along = (column - (self.columns - 1) / 2) / scale - self.camera.pan_mm[0]
        below = (row - (self.rows - 1) / 2) / scale - self.camera.pan_mm[1]
        return np.asarray(self.centre_mm + right * along + down * below)

    def resized(self, factor: float) -> "Sight":
        """The same picture with ``factor`` times the pixels along each side."""
        rows, columns = max(1, round(self.rows * factor)), max(1, round(self.columns * factor))
        return replace(self, rows=rows, columns=columns)


def sight_of(geometry: Geometry, camera: Camera, rows: int, columns: int) -> Sight:
    """A camera that looks at the middle of a regular volume."""
    z, y, x = geometry.shape
    centre = geometry.world_from_index((x - 1) / 2, (y - 1) / 2, (z - 1) / 2)
    edges = [n * mm for n, mm in zip(geometry.shape, geometry.spacing_mm, strict=True)]
    point = (float(centre[0]), float(centre[1]), float(centre[2]))
    return Sight(camera, max(1, rows), max(1, columns), point, max(edges) * _MARGIN)
