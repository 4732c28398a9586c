"""Hands, eyes and memory of the guided tour."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medbench.base.errors import JobFailedError

SIZE = (1600, 1000)
N_RADIOGRAPHS = 240


@dataclass
class Tour:
    """Where the tour stands."""

    out: Path
    study: Path | None
    images: Path | None
    app: Any = None
    began: float = field(default_factory=time.monotonic)
    steps: list[dict[str, Any]] = field(default_factory=list)
    pictures: int = 0
    metrics: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)

    # hands and eyes

    def wait(self, what: str, ready: Callable[[], bool], limit_s: float = 60.0) -> float:
        """Let the window live until ``ready``; raises `JobFailedError` after ``limit_s``."""
        begin = time.monotonic()
        while not ready():
            self.app.qt.processEvents()
            errors = [m for m in self.app.session.messages.log if m.level.value == "error"]
            if errors:
                raise JobFailedError(f"While waiting for {what}: {errors[-1].text}")
            if time.monotonic() - begin > limit_s:
                raise JobFailedError(f"{what} did not happen within {limit_s:.0f} s.")
            time.sleep(0.004)
        return time.monotonic() - begin

    def rest(self, seconds: float = 0.3) -> None:
        """Let the window draw."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.app.qt.processEvents()
            time.sleep(0.005)

    def photograph(self, name: str) -> str:
        """Save the window as a numbered PNG."""
        self.rest()
        self.pictures += 1
        file = self.out / f"{self.pictures:02d}-{name}.png"
        if not self.app.window.grab().save(str(file)):
            raise JobFailedError(f"{file.name} could not be written.")
        return file.name

    def note(self, step: str, picture: str = "", **facts: Any) -> None:
        """Remember a step that happened."""
        at = round(time.monotonic() - self.began, 2)
        self.steps.append({"step": step, "at_s": at, "picture": picture, **facts})
        sys.stderr.write(f"tour {at:6.1f} s  {step}\n")

    def trigger(self, action_id: str) -> None:
        """Run a command of the registry as a key or button would."""
        action = self.app.actions_registry.action(action_id)
        if not action.isEnabled():
            raise JobFailedError(f"The command {action_id} is disabled when it is needed.")
        action.trigger()
