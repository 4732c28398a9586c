"""Ours: memory an open series costs, as a multiple of its voxels. Prints the factor.

``ours_memory.py FOLDER``: growth of the app process to its peak while the series is scanned and
loaded (its pages in memory, shared ones counted here), plus growth of what the decoders keep for
themselves. Decoders are warm before, as in the app. Linux only: peaks come from /proc.
"""

import json
import sys
from pathlib import Path

from medbench.dicom.decoding.pool import DecoderPool
from medbench.dicom.reader import open_display
from medbench.dicom.scan import scan


def status(process, key):
    """A value of /proc/PID/status in bytes."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(key)


def children():
    """Processes this one started."""
    listed = Path("/proc/self/task").iterdir()
    return [int(c) for t in listed for c in (t / "children").read_text().split()]


def main():
    """Measure once."""
    folder = Path(sys.argv[1])
    with DecoderPool() as pool:
        pool.warm(pool.size, wait=True)
        decoders = children()
        before = {child: status(child, "VmRSS") for child in decoders}
        start = status("self", "VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins now
        display = scan([folder]).studies[0].series[0].displays[0]
        volume = open_display(display, pool).load()
        sum_of_voxels = int(volume.voxels.sum(dtype="int64"))  # every page is touched
        app = status("self", "VmHWM") - start
        others = sum(max(0, status(child, "VmHWM") - before[child]) for child in decoders)
    print(
        json.dumps(
            {
                "factor": (app + others) / volume.voxels.nbytes,
                "app_bytes": app,
                "decoders_bytes": others,
                "voxels_bytes": volume.voxels.nbytes,
                "sum": sum_of_voxels,
            }
        )
    )


if __name__ == "__main__":
    main()
