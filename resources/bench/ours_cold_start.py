"""Ours: build the app and show its window, then leave at once."""

import os
import sys
from pathlib import Path

from medbench.app.bootstrap import build_app

app = build_app(Path(sys.argv[1]))
app.window.show()
while not app.window.windowHandle().isExposed():
    app.qt.processEvents()
app.qt.processEvents()
print("{}", flush=True)
os._exit(0)
