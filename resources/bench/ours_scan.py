"""Ours: scan the folder. Prints seconds."""

import json
import sys
import time
from pathlib import Path

from medbench.dicom.scan import scan


def main():
    """Scan once."""
    begin = time.perf_counter()
    result = scan([Path(sys.argv[1])])
    seconds = time.perf_counter() - begin
    count = sum(len(series.instances) for study in result.studies for series in study.series)
    print(json.dumps({"seconds": seconds, "files": count}))


if __name__ == "__main__":
    main()
