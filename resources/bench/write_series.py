"""Write the series the load benchmarks read: a simulated thorax CT in several transfer syntaxes.

Thirty simulated slices, repeated along the body, are compressed once each, without loss. Usage:
``write_series.py FOLDER SLICES NAME...``; each NAME becomes a folder.
"""

import json
import struct
import sys
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
from pydicom.encaps import encapsulate
from pydicom.filereader import dcmread
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID

from medbench.dicom.write import SimulatedPatient, write_ct_series
from medbench.domain.geometry import Geometry
from medbench.samples.thorax import simulate_thorax

UNIQUE = 30
SIZE = 512


def rle(picture):
    """One frame, byte planes most significant first, each row packed (PS3.5 annex G)."""
    cells = picture.view(np.uint16)
    segments = []
    for plane in (cells >> 8, cells & 255):
        packed = b"".join(imagecodecs.packbits_encode(r.tobytes()) for r in plane.astype(np.uint8))
        segments.append(packed + b"\0" * (len(packed) % 2))
    offsets = [64, 64 + len(segments[0])]
    return struct.pack("<16I", 2, *offsets, *[0] * 13) + b"".join(segments)


def jpeg_ls(picture):
    """Lossless; the codec takes unsigned cells, the header says they are signed."""
    return imagecodecs.jpegls_encode(picture.view(np.uint16))


def jpeg_2000(picture):
    """Lossless codestream without boxes."""
    return imagecodecs.jpeg2k_encode(
        picture, level=0, codecformat="j2k", reversible=True, mct=False
    )


SYNTAXES = {
    "uncompressed": ("1.2.840.10008.1.2.1", None),
    "rle": ("1.2.840.10008.1.2.5", rle),
    "jpeg_ls": ("1.2.840.10008.1.2.4.80", jpeg_ls),
    "jpeg_2000": ("1.2.840.10008.1.2.4.90", jpeg_2000),
}


def main():
    """Write every named series."""
    root, slices, names = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    unique = simulate_thorax(0, min(UNIQUE, slices), SIZE, (3.0, 0.7, 0.7))
    order = np.arange(slices) % len(unique)
    shape = (slices, SIZE, SIZE)
    geometry = Geometry(shape, (1.0, 0.7, 0.7), (-180.0, -180.0, 0.0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
    patient = SimulatedPatient("SIM-BENCH", "Simulated^Bench", study_description="Simulated series")
    plain = write_ct_series(root / "uncompressed", unique[order], geometry, patient)
    for name in names:
        uid, encode = SYNTAXES[name]
        if encode is None:
            continue
        streams = [encode(picture) for picture in unique]
        (root / name).mkdir()
        for z, path in enumerate(plain):
            dataset = dcmread(path)
            dataset.PixelData = encapsulate([streams[order[z]]])
            dataset["PixelData"].VR = "OB"
            dataset["PixelData"].is_undefined_length = True
            dataset.SeriesInstanceUID += f".{len(name)}"
            dataset.file_meta.TransferSyntaxUID = UID(uid)
            buffer = BytesIO()
            dcmwrite(buffer, dataset, enforce_file_format=True)
            (root / name / path.name).write_bytes(buffer.getvalue())
    print(json.dumps({"folders": [str(root / name) for name in names]}))


if __name__ == "__main__":
    main()
