"""``medbench render``: one frame as the viewport shows it, 8 bit, native size."""

import argparse
from pathlib import Path
from typing import Any

from medbench.base.atomic import atomic_file
from medbench.base.errors import BadInputError
from medbench.cli.drawing import drawn
from medbench.cli.options import add_opening, opened_studies
from medbench.dicom.presentation import apply_presentation, read_presentation
from medbench.domain.image import DisplayKind, DisplaySet, Voi, VoiWindow
from medbench.formats.opening import open_display
from medbench.imaging.orientation import letters_of, turned
from medbench.imaging.presentation import final_picture
from medbench.imaging.window import auto_voi, default_voi
from medbench.session.operations.studies import choose_display, frame_json


def add(subparsers: Any) -> None:
    """Add the verb's arguments."""
    parser = subparsers.add_parser(
        "render", help="write one frame as PNG, as the viewport shows it"
    )
    parser.add_argument("path", type=Path, metavar="PATH")
    parser.add_argument("--display", metavar="ID", help="default: the one with most slices")
    parser.add_argument("--frame", type=int, metavar="N", help="0-based; default: the middle one")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--window", nargs=2, type=float, metavar=("C", "W"), help="centre and width"
    )
    choice.add_argument("--voi", type=int, metavar="N", help="the file's N-th VOI, from 0")
    choice.add_argument("--auto", action="store_true", help="from the picture's own values")
    parser.add_argument("--presentation", type=Path, metavar="FILE", help="a presentation state")
    parser.add_argument(
        "--graphics-only", action="store_true", help="of that state only the drawings"
    )
    parser.add_argument("--no-overlays", action="store_true", help="leave overlay planes out")
    parser.add_argument("--no-shutter", action="store_true", help="show what the shutter hides")
    add_opening(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.png")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Read, window, write."""
    with opened_studies(args, [args.path]) as found:
        return _write(args, choose_display(found, args.display))


def _write(args: argparse.Namespace, display: DisplaySet) -> dict[str, Any]:
    from PIL import Image

    if display.kind is DisplayKind.WAVEFORM:
        raise BadInputError(
            f"{display.reason or 'A waveform: not shown as an image'}; the window draws it on "
            "paper, and `medbench array` writes its samples."
        )
    frame = display.slices // 2 if args.frame is None else args.frame
    if not 0 <= frame < display.slices:
        raise BadInputError(f"There is no frame {frame}; frames 0 to {display.slices - 1} exist.")
    with open_display(display) as reader:
        values, info = reader.read(frame), reader.info(frame)
    if args.presentation is not None:
        state = read_presentation(args.presentation)
        uid = display.frames[frame].sop_instance_uid
        size = values.shape[0], values.shape[1]
        info = apply_presentation(
            info,
            state,
            uid,
            size,
            graphics_only=args.graphics_only,
            frame=display.frames[frame].frame,
        )
    voi: Voi | None = None
    if not display.colour:
        if args.window:
            if args.window[1] <= 0:
                raise BadInputError("The window's width must be positive.")
            voi = VoiWindow(args.window[0], args.window[1])
        elif args.voi is not None:
            if not 0 <= args.voi < len(info.vois):
                raise BadInputError(f"The file offers {len(info.vois)} VOIs, numbered from 0.")
            voi = info.vois[args.voi]
        else:
            voi = auto_voi(values, info) if args.auto else default_voi(values, info)
    picture = final_picture(
        values, info, voi, overlays=not args.no_overlays, shutter=not args.no_shutter
    )
    picture = drawn(picture, info, (values.shape[0], values.shape[1]))
    atomic_file(args.out, lambda path: Image.fromarray(picture).save(path, format="PNG"))
    window = [voi.center, voi.width] if isinstance(voi, VoiWindow) else None
    return {
        "display": display.display_id,
        "frame": frame,
        "rows": int(picture.shape[0]),
        "columns": int(picture.shape[1]),
        "colour": picture.ndim == 3,
        "window": window,
        "inverted": info.inverted,
        **frame_json(info),
        "letters": list(
            turned(
                letters_of(info.orientation),
                info.rotation_deg,
                flip_horizontal=info.flip_horizontal,
            )
        ),
    }
