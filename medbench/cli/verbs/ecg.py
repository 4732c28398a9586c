"""``medbench ecg``: beats, rate, intervals and axis of a record, as the ECG panel shows them."""

import argparse
from pathlib import Path
from typing import Any

from medbench.base.errors import BadInputError
from medbench.cli.options import add_opening, opened_studies
from medbench.domain.image import DisplayKind, DisplaySet
from medbench.domain.objects import Waveform
from medbench.formats.objects import read_object
from medbench.imaging.ecg_intervals import REASONS, EcgAnalysis, analyse, values_of
from medbench.session.operations.studies import choose_display


def add(subparsers: Any) -> None:
    """Add the verb's arguments."""
    parser = subparsers.add_parser("ecg", help="measure an ECG: beats, rate, intervals, axis")
    parser.add_argument("path", type=Path, metavar="PATH")
    parser.add_argument("--display", metavar="ID", help="default: the first waveform")
    parser.add_argument("--group", type=int, default=0, metavar="N", help="which group, from 0")
    add_opening(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Read and measure."""
    with opened_studies(args, [args.path]) as found:
        if args.display:
            display = choose_display(found, args.display)
        else:
            display = _first_waveform(
                [d for s in found.studies for series in s.series for d in series.displays]
            )
        if display.kind is not DisplayKind.WAVEFORM:
            raise BadInputError("This display is no waveform; `medbench scan` lists them.")
        groups: tuple[Waveform, ...] = read_object(display)
    if not 0 <= args.group < len(groups):
        raise BadInputError(f"There is no group {args.group}; groups 0 to {len(groups) - 1} exist.")
    waveform = groups[args.group]
    found_in = analyse(waveform)
    if not found_in.channels:
        raise BadInputError("No channel of this group is an ECG lead in millivolts.")
    return {"id": display.display_id, "group": args.group, **_told(waveform, found_in)}


def _first_waveform(displays: list[DisplaySet]) -> DisplaySet:
    found = next((d for d in displays if d.kind is DisplayKind.WAVEFORM), None)
    if found is None:
        raise BadInputError("There is no waveform here; `medbench scan` lists what there is.")
    return found


def _told(waveform: Waveform, found: EcgAnalysis) -> dict[str, Any]:
    values = {}
    for value in values_of(found):
        values[value.name] = {
            "value": None if value.value is None else round(value.value, 1),
            "unit": value.unit, "low": value.low, "high": value.high,
            "reason": REASONS.get(value.reason, value.reason),
        }  # fmt: skip
    at = found.points
    return {
        "sampling_hz": waveform.sampling_hz,
        "duration_s": waveform.duration_s,
        "quality": found.quality,
        "leads": {lead.name: lead.state for lead in found.leads},
        "beats": len(found.beats.samples),
        "median_of": found.median.beats if found.median is not None else 0,
        "irregular": found.irregular,
        "values": values,
        "points_s": {
            "p_on": at.p_on_s, "qrs_on": at.qrs_on_s, "j": at.j_s, "t_end": at.t_end_s
        },
        "r_peaks": [int(sample) for sample in found.beats.samples],
        "r_peaks_s": [round(float(second), 4) for second in found.beats.seconds],
        "rr_ms": [round(1000 * float(rr), 1) for rr in found.beats.rr_s],
    }  # fmt: skip


def text(result: dict[str, Any]) -> str:
    """One line for each number."""
    lines = [
        f"{result['beats']} beats, median of {result['median_of']}, "
        f"{'irregular' if result['irregular'] else 'regular'}, signal: {result['quality']}"
    ]
    for name, value in result["values"].items():
        shown = "–" if value["value"] is None else f"{value['value']:g} {value['unit']}"
        reason = f"   ({value['reason']})" if value["reason"] else ""
        lines.append(f"{name:<16} {shown}{reason}")
    return "\n".join(lines)
