"""Ours: scan the folder, open its display, load every slice. Prints seconds, first image too.

``ours_series_load.py FOLDER [PROCESSES]``: the decoders are warm, as they are in the app; so are
the libraries of both sides, whose import is not timed either.
"""

import json
import sys
import time
from pathlib import Path

from medbench.dicom.decoding.pool import DecoderPool
from medbench.dicom.reader import open_display
from medbench.dicom.scan import scan


def main():
    """Load once."""
    folder = Path(sys.argv[1])
    processes = int(sys.argv[2]) if len(sys.argv) > 2 else None
    with DecoderPool(processes) as pool:
        pool.warm(pool.size, wait=True)
        begin = time.perf_counter()
        result = scan([folder])
        display = result.studies[0].series[0].displays[0]
        opened = time.perf_counter()
        first = []
        reader = open_display(display, pool)

        def on_slice(_index, _error):
            if not first:
                first.append(time.perf_counter() - opened)

        volume = reader.load(on_slice=on_slice, **({"threads": processes} if processes else {}))
        end = time.perf_counter()
    print(
        json.dumps(
            {
                "seconds": end - begin,
                "scan_s": opened - begin,
                "load_s": end - opened,
                "first_s": first[0],
                "processes": pool.size,
                "shape": volume.voxels.shape,
                "failed": len(volume.failed),
                "sum": int(volume.voxels.sum(dtype="int64")),
            }
        )
    )


if __name__ == "__main__":
    main()
