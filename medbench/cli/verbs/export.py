"""``medbench export``: stored readings of a study as DICOM objects, tables or label maps."""

import argparse
from pathlib import Path
from typing import Any

from medbench.base.atomic import atomic_write_text
from medbench.base.errors import BadInputError
from medbench.base.paths import default_workspace
from medbench.cli.options import add_workspace

_KINDS = ("sr", "seg", "gsps", "keys", "csv", "nifti")


def add(subparsers: Any) -> None:
    """Add the verb's arguments."""
    parser = subparsers.add_parser(
        "export",
        help="write stored readings: measurements (sr, csv), segments (seg, nifti), "
        "presentation with measurements drawn (gsps), key images (keys)",
    )
    parser.add_argument("kind", choices=_KINDS)
    parser.add_argument("--study", required=True, metavar="UID", help="Study Instance UID")
    parser.add_argument("-o", "--out", required=True, type=Path, metavar="FILE")
    parser.add_argument(
        "--images", nargs="+", type=Path, default=[], metavar="PATH",
        help="where the study's images are; default: where the workspace last saw them",
    )  # fmt: skip
    parser.add_argument(
        "--segmentation", default="", metavar="ID", help="default: the last one of the study"
    )
    parser.add_argument("--series", default="", metavar="UID",
                        help="of the presentation; default: every series measured on")  # fmt: skip
    parser.add_argument("--reader", default="", metavar="NAME", help="who takes responsibility")
    add_workspace(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Read the workspace, write one file (several presentation states where images differ)."""
    workspace = args.workspace or default_workspace()
    if not args.out.parent.is_dir():
        raise BadInputError(f"The folder {args.out.parent} does not exist.")
    found = {"sr": _sr, "seg": _seg, "gsps": _gsps, "keys": _keys, "csv": _csv,
             "nifti": _nifti}[args.kind](args, workspace)  # fmt: skip
    return {"kind": args.kind, "study_instance_uid": args.study, "left_out": [],
            "files": [str(args.out)], **found}  # fmt: skip


def text(result: dict[str, Any]) -> str:
    """What was written, for people."""
    lines = [f"{result['written']} written to {name}" for name in result["files"][:1]]
    lines += [f"and {name}" for name in result["files"][1:]]
    return "\n".join([*lines, *(f"left out: {reason}" for reason in result["left_out"])])


def _measurements(args: argparse.Namespace, workspace: Path) -> Any:
    from medbench.domain.measurement import Measurement
    from medbench.session.operations.stored import stored_records

    found = stored_records(workspace, Measurement, args.study)
    if not found:
        raise BadInputError(f"Nothing is measured in study {args.study}.")
    return found


def _sr(args: argparse.Namespace, workspace: Path) -> dict[str, Any]:
    from medbench.session.operations.exports import write_sr
    from medbench.session.operations.stored import images_of

    measurements = _measurements(args, workspace)
    with images_of(workspace, args.study, args.images) as study:
        written, left_out = write_sr(args.out, study, measurements, args.reader)
    return {"written": written, "left_out": list(left_out)}


def _csv(args: argparse.Namespace, workspace: Path) -> dict[str, Any]:
    from medbench.session.measuring import measurements_csv

    measurements = _measurements(args, workspace)
    atomic_write_text(args.out, measurements_csv(measurements))
    return {"written": len(measurements)}


def _seg(args: argparse.Namespace, workspace: Path) -> dict[str, Any]:
    from medbench.session.operations.exports import write_seg
    from medbench.session.operations.stored import images_of, stored_segmentation

    segmentation, labels = stored_segmentation(workspace, args.study, args.segmentation)
    with images_of(workspace, args.study, args.images) as study:
        write_seg(args.out, study, segmentation, labels, args.reader)
    return {"written": len(segmentation.segments)}


def _nifti(args: argparse.Namespace, workspace: Path) -> dict[str, Any]:
    from medbench.formats.nifti_write import write_label_nifti
    from medbench.session.operations.stored import stored_segmentation

    segmentation, labels = stored_segmentation(workspace, args.study, args.segmentation)
    write_label_nifti(args.out, labels, segmentation.geometry, segmentation.segments)
    return {"written": len(segmentation.segments)}


def _gsps(args: argparse.Namespace, workspace: Path) -> dict[str, Any]:
    from medbench.domain.measurement import Measurement
    from medbench.session.operations.exports import (
        number_words,
        stored_pictures,
        write_state,
    )
    from medbench.session.operations.stored import images_of, stored_records

    measurements = stored_records(workspace, Measurement, args.study)
    words = {m.measurement_id: number_words(m) for m in measurements}
    wanted = {args.series} if args.series else {m.site.series_instance_uid for m in measurements}
    files: list[Path] = []
    with images_of(workspace, args.study, args.images) as study:
        displays = [
            d for series in study.series for d in series.displays
            if series.series_instance_uid in wanted and not d.kind.without_pictures
        ]  # fmt: skip
        if not displays:
            raise BadInputError("No series of this study was measured on; name one with --series.")
        for number, display in enumerate(displays):
            target = args.out if not number else args.out.with_stem(f"{args.out.stem}-s{number}")
            shown = stored_pictures(display, measurements, words)
            files += write_state(target, study, shown, args.reader, display.description)
    return {"written": len(files), "files": [str(path) for path in files]}


def _keys(args: argparse.Namespace, workspace: Path) -> dict[str, Any]:
    from medbench.domain.key_image import KeyImage
    from medbench.session.operations.exports import write_keys
    from medbench.session.operations.stored import images_of, stored_records

    keys = stored_records(workspace, KeyImage, args.study)
    if not keys:
        raise BadInputError(f"Study {args.study} has no key images.")
    with images_of(workspace, args.study, args.images) as study:
        written = write_keys(args.out, study, keys, args.reader)
    return {"written": written}
