"""Peer: a plain pydicom loop over the headers. Prints seconds."""

import json
import sys
import time
from pathlib import Path

import pydicom

begin = time.perf_counter()
count = 0
for path in sorted(Path(sys.argv[1]).iterdir()):
    dataset = pydicom.dcmread(path, stop_before_pixels=True)
    count += dataset.SeriesInstanceUID is not None
print(json.dumps({"seconds": time.perf_counter() - begin, "files": count}))
