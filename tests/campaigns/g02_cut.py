"""G2: cut files are called incomplete, whole ones never are.

Seven kinds of file, cut at random offsets. A cut exactly between two top-level elements of an
object without pixel data leaves a valid, shorter object: nothing in the bytes can tell, and such
cuts are counted apart. Control: pydicom alone, which is silent on more than 30 %.
"""

import random
import time
import warnings
import zlib
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from medbench.base.errors import IncompleteError, MedbenchError
from medbench.dicom.displays import build_displays
from medbench.dicom.guard import read_header
from medbench.dicom.pixels import pixel_format
from tests.campaigns.harness import Result, command_line
from tests.campaigns.seeds import whole_files, whole_paths

SEEDS = (
    "CT_small.dcm", "MR_small_implicit.dcm", "MR_small_RLE.dcm", "JPEG2000.dcm", "rtplan.dcm",
    "test-SR.dcm", "image_dfl.dcm",
)  # fmt: skip
CUTS = 400


def verdict(path: Path) -> str:
    """'' for a file that may be shown as whole, else why not, 'incomplete...' when cut."""
    try:
        header = read_header(path)
        if header.pixel_offset >= 0:
            pixel_format(header)
        elif (reason := build_displays([header])[0].reason).startswith("incomplete"):
            return reason
    except IncompleteError as error:
        return str(error)
    except MedbenchError as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _silent_in_pydicom(path: Path) -> bool:
    """Whether pydicom reads the file without exception or warning."""
    import pydicom

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            dataset = pydicom.dcmread(path)
            dataset.walk(lambda *_: None)
        except Exception:  # noqa: BLE001  (any complaint counts)
            return False
    return True


def run(seconds: float, seed: int, control: bool = False, *, cuts: int = CUTS) -> Result:
    """``cuts`` cuts of each of seven files, then all whole files."""
    result = Result("G2 cut files", seed, control)
    rng, files = random.Random(seed), whole_files()
    tally: Counter[str] = Counter()
    begin = time.monotonic()
    with TemporaryDirectory(prefix="campaign-") as folder:
        path = Path(folder) / "cut.dcm"
        for name in SEEDS:
            data = files[name]
            for _ in range(cuts):
                if time.monotonic() - begin > seconds:
                    break
                at = rng.randrange(1, len(data))
                path.write_bytes(data[:at])
                if control:
                    _count_control(tally, path)
                    continue
                found = verdict(path)
                if found.startswith("incomplete"):
                    tally["incomplete"] += 1
                elif at < 132 and any(data[:at]):
                    tally["cut inside a preamble of other bytes: no DICOM"] += 1
                elif found:
                    tally["refused otherwise"] += 1
                    result.failures.append(f"{name} cut at {at}: {found}")
                elif name == "image_dfl.dcm" and _inflates(data[:at]):
                    tally["cut behind the deflated data set: nothing lost"] += 1
                elif _valid_prefix(data, at):
                    tally["cut between elements, not tellable"] += 1
                else:
                    tally["taken as whole"] += 1
                    result.failures.append(f"{name} cut at {at} of {len(data)}: taken as whole")
    if control:
        share = tally["silent"] / tally.total()
        if share > 0.3:
            result.failures.append(f"pydicom was silent on {share:.0%} of {tally.total()} cuts")
    else:
        whole = _whole(result)
        tally["whole files"] = whole
    result.figures = {"cuts": dict(tally), "seconds": round(time.monotonic() - begin, 1)}
    return result


def _count_control(tally: Counter[str], path: Path) -> None:
    tally["silent" if _silent_in_pydicom(path) else "noticed"] += 1


def _valid_prefix(data: bytes, at: int) -> bool:
    """Whether the first ``at`` bytes end exactly where a top-level element does.

    Found with pydicom's own element positions, not with the guard that is under test.
    """
    from io import BytesIO

    import pydicom

    dataset = pydicom.dcmread(BytesIO(data), force=True)
    starts = {
        element.file_tell - (8 if _short(element, dataset) else 12)
        for element in dataset
        if element.file_tell is not None
    }
    return at in starts


def _inflates(data: bytes) -> bool:
    """Whether the whole deflate stream is there; what follows it is a checksum."""
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    start = 132 + 12 + int.from_bytes(data[140:144], "little")  # behind the meta group
    engine.decompress(data[start:])
    return engine.eof


def _short(element: object, dataset: object) -> bool:
    implicit = dataset.original_encoding[0]  # type: ignore[attr-defined]
    long_vrs = ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV")
    return bool(implicit) or element.VR not in long_vrs  # type: ignore[attr-defined]


def _whole(result: Result) -> int:
    paths = whole_paths()
    for path in paths:
        found = verdict(path)
        if found.startswith("incomplete"):
            result.failures.append(f"whole file {path.name}: {found}")
    return len(paths)


if __name__ == "__main__":
    command_line(run, __doc__ or "")
