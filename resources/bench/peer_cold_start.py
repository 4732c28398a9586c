"""Peer: import what any such window needs."""

import pyqtgraph
import PySide6.QtWidgets

print("{}" if PySide6.QtWidgets and pyqtgraph else "", flush=True)
