"""``medbench array``: modality values of one display as .npy, with their geometry."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from medbench.base.atomic import atomic_file
from medbench.base.errors import DecodeError
from medbench.dicom.reader import open_display
from medbench.session.operations.studies import choose_display, geometry_json


def add(subparsers: Any) -> None:
    """Add the verb's arguments."""
    parser = subparsers.add_parser("array", help="write modality values as .npy (z, y, x)")
    parser.add_argument("path", type=Path, metavar="PATH")
    parser.add_argument("--display", metavar="ID", help="default: the one with most slices")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.npy")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Read and write."""
    display = choose_display([args.path], args.display)
    with open_display(display) as reader:
        volume = reader.load()
    if volume.failed:
        index, reason = min(volume.failed.items())
        raise DecodeError(
            f"{len(volume.failed)} of {display.slices} frames could not be decoded; "
            f"frame {index}: {reason}. Nothing was written."
        )
    voxels = volume.voxels if display.colour else volume.voxels.astype(np.float32)

    def write(path: Path) -> None:
        with path.open("wb") as handle:
            np.save(handle, voxels)

    atomic_file(args.out, write)
    return {**geometry_json(display), "shape": list(voxels.shape), "dtype": str(voxels.dtype)}
