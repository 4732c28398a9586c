"""Open the window, or run the guided tour where there is no display."""

import faulthandler
import gc
import logging
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from medbench.app.screen import has_display
from medbench.base.paths import config_folder

_log = logging.getLogger(__name__)


def install_excepthook() -> None:
    """Log what no handler caught; an exception in a slot must not pass in silence."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        _log.critical("uncaught %s", kind.__name__, exc_info=(kind, error, trace))

    sys.excepthook = hook
    threading.excepthook = lambda args: hook(
        args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
    )


def open_window(paths: Sequence[Path], workspace: Path | None) -> int:
    """Run the app until the window closes; returns the exit code."""
    if not has_display():
        from medbench.app.tour import run_tour

        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        out = Path("out") / "tour"
        sys.stderr.write(
            f"medbench: no display found; running the guided tour into {out.resolve()} instead.\n"
        )
        summary = run_tour(out)
        return 0 if summary["ok"] else 1
    from medbench.app.bootstrap import build_app

    crash_log = config_folder() / "crash.log"
    crash_log.parent.mkdir(parents=True, exist_ok=True)
    with crash_log.open("a") as handle:
        faulthandler.enable(handle)
        app = build_app(workspace)
        install_excepthook()
        app.show(paths)
        gc.freeze()  # what stands now stays: full collections need not walk it again
        try:
            return app.run()
        finally:
            app.close()
            faulthandler.disable()
