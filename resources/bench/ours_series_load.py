"""Ours: scan the folder, open its display, load every slice. Prints seconds, first image too."""

import json
import sys
import time
from pathlib import Path

from medbench.dicom.reader import open_display
from medbench.dicom.scan import scan


def main():
    """Load once."""
    begin = time.perf_counter()
    result = scan([Path(sys.argv[1])])
    display = result.studies[0].series[0].displays[0]
    opened = time.perf_counter()
    first = []
    reader = open_display(display)

    def on_slice(_index, _error):
        if not first:
            first.append(time.perf_counter() - opened)

    volume = reader.load(on_slice=on_slice)
    end = time.perf_counter()
    print(
        json.dumps(
            {
                "seconds": end - begin,
                "scan_s": opened - begin,
                "load_s": end - opened,
                "first_s": first[0],
                "shape": volume.voxels.shape,
                "sum": int(volume.voxels.sum(dtype="int64")),
            }
        )
    )


if __name__ == "__main__":
    main()
