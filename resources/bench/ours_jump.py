"""Ours: jumps to far slices while a compressed series loads. Prints seconds until each is there.

``ours_jump.py FOLDER``: three loads; in each the eye jumps to the slice that is farthest from all
that is there, five times. ``frame_s`` is what a decoder needs for one frame: the time of the load
times the decoders, by the slices.
"""

import json
import statistics
import sys
import threading
import time
from pathlib import Path

import numpy as np

from medbench.dicom.decoding.pool import DecoderPool
from medbench.dicom.reader import open_display
from medbench.dicom.scan import scan

JUMPS = 5


class Eye:
    """Where the reader looks, and when what they look at is there."""

    def __init__(self, slices):
        self.slices = slices
        self.wanted = 0
        self.asked = 0.0
        self.waits = []
        self.seen = np.zeros(slices, bool)
        self.arrived = threading.Event()

    def order(self):
        """For `DisplayReader.load`."""
        return (self.wanted,)

    def on_slice(self, index, _error):
        """Note the wait of a jump."""
        self.seen[index] = True
        if index == self.wanted and not self.arrived.is_set():
            self.waits.append(time.perf_counter() - self.asked)
            self.arrived.set()

    def jump(self):
        """Look at the pending slice that is farthest from what is there; False when none is."""
        there = np.flatnonzero(self.seen)
        left = np.flatnonzero(~self.seen)
        if not len(left) or not len(there):
            return False
        distance = np.abs(left[:, None] - there).min(axis=1)
        self.arrived.clear()
        self.asked = time.perf_counter()
        self.wanted = int(left[distance.argmax()])
        return True


def main():
    """Measure."""
    display = scan([Path(sys.argv[1])]).studies[0].series[0].displays[0]
    waits, frame_s, first_s = [], [], []
    with DecoderPool() as pool:
        pool.warm(pool.size, wait=True)
        for _ in range(3):
            eye = Eye(display.slices)
            begin = eye.asked = time.perf_counter()
            loader = threading.Thread(
                target=open_display(display, pool).load,
                kwargs={"on_slice": eye.on_slice, "order": eye.order},
            )
            loader.start()
            for _ in range(JUMPS):
                eye.arrived.wait(30)
                time.sleep(0.15)
                if not eye.jump():
                    break
            loader.join()
            first_s.append(eye.waits[0])
            waits += eye.waits[1:]
            frame_s.append((time.perf_counter() - begin) * pool.size / display.slices)
    print(
        json.dumps(
            {
                "wait_s": statistics.median(waits),
                "longest_s": max(waits),
                "jumps": len(waits),
                "frame_s": statistics.median(frame_s),
                "first_s": statistics.median(first_s),
            }
        )
    )


if __name__ == "__main__":
    main()
