"""``medbench array``: values of one display as .npy: voxels with geometry, or a waveform."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from medbench.base.atomic import atomic_file
from medbench.base.errors import BadInputError, DecodeError
from medbench.cli.options import add_opening, opened_studies
from medbench.domain.image import DisplayKind, DisplaySet, Volume
from medbench.domain.objects import Waveform
from medbench.formats.objects import read_object
from medbench.formats.opening import open_display
from medbench.imaging.regular import regularise
from medbench.session.operations.studies import choose_display, frame_json, geometry_json


def add(subparsers: Any) -> None:
    """Add the verb's arguments."""
    parser = subparsers.add_parser(
        "array", help="write values as .npy: (z, y, x) or (channels, samples)"
    )
    parser.add_argument("path", type=Path, metavar="PATH")
    parser.add_argument("--display", metavar="ID", help="default: the one with most slices")
    parser.add_argument("--suv", action="store_true", help="SUVbw (g/ml) of a PET series")
    parser.add_argument(
        "--regular", action="store_true", help="a tilted or irregular stack on a right grid"
    )
    parser.add_argument(
        "--group", type=int, default=0, metavar="N", help="of a waveform: which group, from 0"
    )
    add_opening(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.npy")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Read and write."""
    with opened_studies(args, [args.path]) as found:
        return _write(args, choose_display(found, args.display))


def _write(args: argparse.Namespace, display: DisplaySet) -> dict[str, Any]:
    if display.kind is DisplayKind.WAVEFORM:
        return _write_waveform(args, display)
    with open_display(display) as reader:
        volume = reader.load()
    if volume.failed:
        index, reason = min(volume.failed.items())
        raise DecodeError(
            f"{len(volume.failed)} of {display.slices} frames could not be decoded; "
            f"frame {index}: {reason}. Nothing was written."
        )
    info = volume.infos[0]
    voxels = volume.voxels if display.colour else volume.voxels.astype(np.float32)
    if args.suv:
        voxels = _suv(voxels, volume)
    extra = {}
    if args.regular:
        if not display.reformattable or display.geometry is None:
            raise BadInputError("This display is no stack of slices that could be resampled.")
        low = float(info.padding[0] if info.padding else voxels.min())
        voxels, grid = regularise(
            voxels, display.geometry, low, padding=info.padding if not args.suv else None
        )
        extra = {
            "spacing_mm": list(grid.spacing_mm), "origin_mm": list(grid.origin_mm),
            "uniform": True, "notes": list(grid.notes), "slices": grid.shape[0],
            "rows": grid.shape[1], "columns": grid.shape[2],
        }  # fmt: skip

    _save(args.out, voxels)
    return {
        **geometry_json(display),
        **extra,
        "shape": list(voxels.shape),
        "dtype": str(voxels.dtype),
        "frame": frame_json(info),
    }


def _save(out: Path, values: np.ndarray) -> None:
    def write(path: Path) -> None:
        with path.open("wb") as handle:
            np.save(handle, values)

    atomic_file(out, write)


def _write_waveform(args: argparse.Namespace, display: DisplaySet) -> dict[str, Any]:
    """One group of channels in physical units, float32 (channels, samples)."""
    if args.suv or args.regular:
        raise BadInputError("--suv and --regular are for pictures; this is a waveform.")
    groups = read_object(display)
    if not 0 <= args.group < len(groups):
        raise BadInputError(f"There is no group {args.group}; groups 0 to {len(groups) - 1} exist.")
    found: Waveform = groups[args.group]
    _save(args.out, found.samples)
    return {
        "id": display.display_id,
        "source": display.source,
        "kind": display.kind.value,
        "group": args.group,
        "groups": [group.label for group in groups],
        "channels": [{"name": c.name, "unit": c.unit} for c in found.channels],
        "sampling_hz": found.sampling_hz,
        "start_s": found.start_s,
        "duration_s": found.duration_s,
        "shape": list(found.samples.shape),
        "dtype": str(found.samples.dtype),
        "marks": len(found.marks),
        "warnings": list(found.warnings),
    }


def _suv(voxels: np.ndarray, volume: Volume) -> np.ndarray:
    """Every slice times its own factor."""
    out = voxels.copy()
    for index, info in enumerate(volume.infos):
        if info.suv_factor is None:
            reason = info.suv_refused or "it is no PET image"
            raise BadInputError(f"No SUV: {reason}. Without --suv the stored activity is written.")
        out[index] *= np.float32(info.suv_factor)
    return out
