"""``medbench render3d``: a whole volume from any side, as the 3-D view shows it."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from medbench.base.atomic import atomic_file
from medbench.base.errors import BadInputError, DecodeError
from medbench.cli.options import add_opening, opened_studies
from medbench.cli.stamp import STAMP, stamped
from medbench.domain.geometry import Geometry
from medbench.domain.image import DisplaySet, FrameInfo, VoiWindow, Volume
from medbench.formats.opening import open_display
from medbench.imaging.regular import regularise
from medbench.imaging.render3d import Look, VolumePicture, VolumeSource, draw, look_at
from medbench.imaging.render3d_camera import STANDARD_VIEWS, Camera, camera_at, standard_camera
from medbench.imaging.render3d_grid import FULL_BOX, Box
from medbench.imaging.render3d_presets import (
    VolumeMode,
    VolumePreset,
    presets_for,
    read_volume_presets,
)
from medbench.imaging.window import display_frame
from medbench.session.operations.studies import choose_display

_LARGEST = 4096


def add(subparsers: Any) -> None:
    """Add the verb's arguments."""
    parser = subparsers.add_parser(
        "render3d", help="write a volume in 3-D as PNG: MIP, MinIP or shaded"
    )
    parser.add_argument("path", type=Path, metavar="PATH")
    parser.add_argument("--display", metavar="ID", help="default: the one with most slices")
    parser.add_argument(
        "--mode", choices=[mode.value for mode in VolumeMode], help="default: that of the preset"
    )
    parser.add_argument("--preset", metavar="NAME", help="id or name; default: mip")
    parser.add_argument(
        "--yaw", type=float, default=0.0, metavar="DEG", help="viewer from the front to the left"
    )
    parser.add_argument(
        "--pitch", type=float, default=0.0, metavar="DEG", help="viewer up towards the head"
    )
    parser.add_argument("--view", choices=STANDARD_VIEWS, help="side of the patient to look from")
    parser.add_argument("--zoom", type=float, default=1.0, metavar="X", help="1 = fits")
    parser.add_argument(
        "--window", nargs=2, type=float, metavar=("C", "W"), help="centre and width"
    )
    parser.add_argument(
        "--box", nargs=6, type=float, metavar=("Z0", "Z1", "Y0", "Y1", "X0", "X1"),
        help="clipping box, fractions 0 to 1 of the volume's edges",
    )  # fmt: skip
    parser.add_argument("--size", type=int, default=800, metavar="N", help="N x N pixels")
    add_opening(parser)
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE.png")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Read, draw, write."""
    if not 16 <= args.size <= _LARGEST:
        raise BadInputError(f"--size must be a number of pixels from 16 to {_LARGEST}.")
    if not 0.1 <= args.zoom <= 50:
        raise BadInputError("--zoom must lie between 0.1 and 50.")
    if args.window and args.window[1] <= 0:
        raise BadInputError("The window's width must be positive.")
    box = _box(args.box)
    with opened_studies(args, [args.path]) as found:
        return _write(args, choose_display(found, args.display), box)


def _box(numbers: list[float] | None) -> Box:
    if numbers is None:
        return FULL_BOX
    z0, z1, y0, y1, x0, x1 = numbers
    box = (z0, z1), (y0, y1), (x0, x1)
    if not all(0 <= low < high <= 1 for low, high in box):
        raise BadInputError("--box needs rising pairs of numbers from 0 to 1, for z, y and x.")
    return box


def _write(args: argparse.Namespace, display: DisplaySet, box: Box) -> dict[str, Any]:
    from PIL import Image

    if not display.reformattable:
        raise BadInputError("This display is no volume of three slices or more: no 3-D picture.")
    with open_display(display) as reader:
        volume = reader.load()
        info = volume.infos[0]
    preset = _preset(args, display.modality, info.value_unit)
    source = VolumeSource(*_regular(volume))
    camera = _camera(args)
    look = Look(preset, tuple(args.window) if args.window else None, box)
    picture = draw(source, look, look_at(source, camera, args.size, args.size))
    image, window = _image(picture, info, args.window)
    final = stamped(image)
    atomic_file(args.out, lambda path: Image.fromarray(final).save(path, format="PNG"))
    return {
        "display": display.display_id,
        "mode": preset.mode.value,
        "preset": preset.preset_id,
        "yaw_deg": round(camera.yaw_deg, 3) + 0.0,
        "pitch_deg": round(camera.pitch_deg, 3) + 0.0,
        "rows": args.size,
        "columns": args.size,
        "px_per_mm": picture.sight.px_per_mm,
        "window": list(window),
        "notes": list(source.geometry.notes),
        "stamp": STAMP,
    }


def _preset(args: argparse.Namespace, modality: str, unit: str) -> VolumePreset:
    fitting = presets_for(read_volume_presets(), modality, unit)
    mode = None if args.mode is None else VolumeMode(args.mode)
    if args.preset is None:
        return next(p for p in fitting if p.mode is (mode or VolumeMode.MIP))
    wanted = args.preset.casefold()
    found = [p for p in fitting if wanted in (p.preset_id.casefold(), p.name.casefold())]
    if not found:
        names = ", ".join(p.preset_id for p in fitting)
        raise BadInputError(
            f"There is no preset {args.preset!r} for this series; there are {names}."
        )
    if mode is not None and found[0].mode is not mode:
        raise BadInputError(
            f"The preset {found[0].preset_id} is {found[0].mode.value}, not {mode.value}."
        )
    return found[0]


def _camera(args: argparse.Namespace) -> Camera:
    if args.view is None:
        return camera_at(args.yaw, args.pitch, args.zoom)
    if args.yaw or args.pitch:
        raise BadInputError("Give either --view or --yaw and --pitch.")
    return standard_camera(args.view, args.zoom)


def _regular(volume: Volume) -> tuple[np.ndarray, Geometry]:
    """The voxels on a right grid.

    Raises
    ------
    DecodeError
        Frames are missing.
    """
    if volume.failed:
        index, reason = min(volume.failed.items())
        raise DecodeError(
            f"{len(volume.failed)} of {len(volume.ready)} frames could not be decoded; "
            f"frame {index}: {reason}. Nothing was written."
        )
    geometry = volume.geometry
    assert geometry is not None
    if geometry.uniform:
        return volume.voxels, geometry
    padding = volume.infos[0].padding
    fill = float(padding[0] if padding else volume.voxels.min())
    return regularise(volume.voxels, geometry, fill, padding=padding)


def _image(
    picture: VolumePicture, info: FrameInfo, window: list[float] | None
) -> tuple[np.ndarray, tuple[float, float]]:
    """8-bit picture, and the window it was shown with."""
    if picture.colours is not None:
        assert picture.span is not None
        return picture.colours, picture.span
    assert picture.values is not None
    assert picture.window is not None
    centre, width = (window[0], window[1]) if window else picture.window
    return display_frame(picture.values, info, VoiWindow(centre, width)), (centre, width)
