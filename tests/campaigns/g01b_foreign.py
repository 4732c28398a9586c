"""G1 for files that are not DICOM: volumes, pictures, records and archives, mutated.

Control: the readers that a program would otherwise call fill or crash; here SimpleITK, which
returns a whole image from half a NIfTI file without a word.
"""

import gzip
import io
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests.campaigns.g01_mutated import open_mutants
from tests.campaigns.harness import Result, command_line
from tests.campaigns.seeds import made_files


def nifti() -> bytes:
    """A NIfTI-1 volume of 6 x 7 x 8 voxels."""
    head = bytearray(352)
    struct.pack_into("<i", head, 0, 348)
    struct.pack_into("<8h", head, 40, 3, 8, 7, 6, 1, 1, 1, 1)
    struct.pack_into("<2h", head, 70, 4, 16)
    struct.pack_into("<8f", head, 76, 1, 1, 1, 2, 1, 1, 1, 1)
    struct.pack_into("<3f", head, 108, 352, 1, 0)
    struct.pack_into("<2h", head, 252, 0, 1)
    for i, row in enumerate(((1, 0, 0, -4), (0, 1, 0, -3), (0, 0, 2, -6))):
        struct.pack_into("<4f", head, 280 + 16 * i, *row)
    head[344:348] = b"n+1\0"
    return bytes(head) + np.arange(336, dtype="<i2").tobytes()


def nrrd(encoding: str) -> bytes:
    """An NRRD volume."""
    voxels = np.arange(336, dtype="<i2").tobytes()
    data = gzip.compress(voxels, mtime=0) if encoding == "gzip" else voxels
    head = (
        "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 8 7 6\n"
        "space directions: (1,0,0) (0,1,0) (0,0,2)\nkinds: domain domain domain\n"
        f"endian: little\nencoding: {encoding}\nspace origin: (0,0,0)\n\n"
    )
    return head.encode() + data


def picture(kind: str) -> bytes:
    """A small grey or colour picture."""
    from PIL import Image

    out = io.BytesIO()
    grey = (np.add.outer(np.arange(40), np.arange(50)) * 2).astype(np.uint8)
    Image.fromarray(np.stack([grey] * 3, -1) if kind != "TIFF" else grey).save(out, kind)
    return out.getvalue()


def archive() -> bytes:
    """A ZIP of two DICOM objects and a text."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("a/one.dcm", made_files()["made_rle"])
        target.writestr("a/two", made_files()["made_enhanced"])
        target.writestr("read me.txt", "hello")
    return out.getvalue()


def files() -> dict[str, bytes]:
    """All seeds by name."""
    record = (
        "record 2 360 500\nrecord.dat 16 200 16 0 0 0 0 I\nrecord.dat 16 200 16 0 0 0 0 II\n"
        "# a comment\n"
    )
    return {
        "a.nii": nifti(),
        "a.nii.gz": gzip.compress(nifti(), mtime=0),
        "a.nrrd": nrrd("raw"),
        "b.nrrd": nrrd("gzip"),
        "a.png": picture("PNG"),
        "a.jpg": picture("JPEG"),
        "a.tif": picture("TIFF"),
        "a.bmp": picture("BMP"),
        "a.zip": archive(),
        "a.hea": record.encode(),
    }


def beside() -> Mapping[str, bytes]:
    """What the seeds refer to."""
    return {"record.dat": np.arange(1000, dtype="<i2").tobytes()}


def run(seconds: float, seed: int, control: bool = False, *, count: int | None = None) -> Result:
    """Open mutants until the time is up, or ``count`` of them."""
    result = Result("G1b mutated foreign files", seed, control)
    if not control:
        return open_mutants(result, files(), seconds, count, beside())
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    with TemporaryDirectory(prefix="campaign-") as folder:
        path = Path(folder) / "half.nii"
        path.write_bytes(nifti()[: 352 + 336])
        try:
            image = sitk.ReadImage(str(path))
        except RuntimeError:
            return result
        made_up = int((sitk.GetArrayFromImage(image).ravel()[168:] == 0).sum())
        result.failures.append(f"half a file became a whole volume, {made_up} voxels made up")
    return result


if __name__ == "__main__":
    command_line(run, __doc__ or "")
