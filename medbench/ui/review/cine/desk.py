"""Cine in Review: plays the active viewport, or the time points of its display."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Slot
from PySide6.QtWidgets import QWidget

from medbench.domain.cine import CineTiming, CineTrack
from medbench.domain.image import DisplaySet
from medbench.session.ports import Handle
from medbench.ui.review.cine.bar import SLICES, TIMES, CineBar
from medbench.ui.review.cine.player import CinePlayer, Target
from medbench.ui.review.cine.targets import SliceTarget, TimeTarget, TurnTarget
from medbench.ui.review.commands import register_rows
from medbench.ui.review.feature import Feature, ToolButtonSpec
from medbench.ui.review.screen import VOLUME

if TYPE_CHECKING:
    from medbench.ui.review.workspace import ReviewWorkspace

translate = QCoreApplication.translate
_TIME_RATE = 4.0
"""Time points a second to begin with."""


class CineDesk(Feature):
    """Commands, the strip, the player; timings are read by a worker and kept by display."""

    order = 60

    def __init__(self, page: "ReviewWorkspace") -> None:
        super().__init__(page)
        self.controls = CineBar()
        self.player = CinePlayer(self)
        self._timings: dict[str, CineTiming] = {}
        self._shown_for: tuple[str, str] = ("", "")
        self._waits = False
        area = translate("Cine", "Image")
        register_rows(
            page,
            [
                (self.toggle_cine, translate("Cine", "Cine"), area, "C", "film",
                 translate("Cine", "Play or stop")),
                (self.cine_settings, translate("Cine", "Cine settings"), area, "Shift+C", "film",
                 translate("Cine", "Range, speed and order of playing")),
            ],
            {"toggle_cine"},
        )  # fmt: skip
        self._action = page.actions_registry.action("medbench.review.toggle_cine")
        bar, player = self.controls, self.player
        bar.play_clicked.connect(self.toggle_cine)
        bar.closed.connect(self._close)
        bar.stepped.connect(self._step)
        bar.changed.connect(self._retime)
        bar.what_changed.connect(self._what_changed)
        bar.hidden.connect(player.stop)
        player.changed.connect(self._playing_changed)
        player.measured.connect(bar.show_rate)
        page.showing.display_shown.connect(self._display_shown)
        page.showing.active_changed.connect(self._follow)
        page.showing.arranged.connect(self._arranged)

    def buttons(self) -> tuple[ToolButtonSpec, ...]:
        return (ToolButtonSpec("toggle_cine", "film", ("toggle_cine", "cine_settings"), rank=3),)

    def strip(self) -> QWidget:
        return self.controls

    # what is played

    def _display(self) -> DisplaySet | None:
        return self.page.model.display

    @property
    def _plays_times(self) -> bool:
        display = self._display()
        if display is None or display.time_count < 2:
            return False
        if getattr(self.page.showing.active, "kind", "") == VOLUME:
            return False
        return self.controls.what.key == TIMES or self.page.active.count < 2

    def _new_target(self) -> Target:
        if self._plays_times:
            return TimeTarget(self.page.time_bar, self.page.showing.screen)
        shown = self.page.showing.active
        if getattr(shown, "kind", "") == VOLUME:
            return TurnTarget(shown)
        return SliceTarget(self.page.active)

    def _timing(self) -> CineTiming:
        return self._timings.get(self.page.model.key, CineTiming())

    def _track(self, target: Target) -> CineTrack | None:
        if target.count < 2:
            return None
        timing = self._timing() if isinstance(target, SliceTarget) else CineTiming()
        seconds = timing.at_rate(target.count, self.controls.speed.value())
        first, last = self.controls.first.value() - 1, self.controls.last.value() - 1
        return CineTrack(seconds, first, last, self.controls.chosen_order)

    def _fill(self) -> None:
        """Put what the file says into the strip, once for each display."""
        display = self._display()
        if display is None:
            return
        kind = TIMES if self._plays_times else SLICES
        if getattr(self.page.showing.active, "kind", "") == VOLUME:
            kind = VOLUME
        self.controls.what.setVisible(display.time_count > 1 and self.page.active.count > 1)
        target = self._new_target()
        shown = self.page.model.view_key, f"{kind} {target.count}"
        if shown == self._shown_for:
            return
        self._shown_for = shown
        timing = self._timing()
        whole = max(0, target.count - 1)
        if kind != SLICES or len(timing.durations_s) not in (0, target.count):
            timing = CineTiming()
        last = whole if timing.last is None else min(timing.last, whole)
        self.controls.show_range(target.count, min(timing.first, last), last)
        self.controls.show_speed(_TIME_RATE if kind == TIMES else timing.begin_rate, timing.order)
        self.controls.show_source(timing.source, timing.rate)
        self.controls.show_rate(0.0, 0)

    def _read(self, *, play: bool) -> None:
        """Learn the timing of the shown display, then fill the strip (and play)."""
        display, key = self._display(), self.page.model.key
        self._waits = play
        if display is None:
            return
        if key in self._timings:
            self._arrived(key)
            return

        def work(_handle: Handle) -> CineTiming:
            from medbench.dicom.cine import read_cine  # brings pydicom; not for the start

            return read_cine(display)

        def done(timing: CineTiming) -> None:
            self._timings[key] = timing
            self._arrived(key)

        def failed(_sentence: str) -> None:
            self._timings[key] = CineTiming()
            self._arrived(key)

        self.session.objects.compute("cine timing", work, done, failed)

    def _arrived(self, key: str) -> None:
        if key != self.page.model.key:
            return
        self._fill()
        if self._waits:
            self._waits = False
            self._play()

    def _play(self) -> None:
        target = self._new_target()
        track = self._track(target)
        if track is None:
            self.session.messages.info(self.tr("There is only one picture: nothing to play"))
            return
        self.controls.show()
        self.player.play(target, track)

    # commands

    def toggle_cine(self) -> None:
        """Play or stop."""
        if self.player.playing:
            self.player.stop()
            return
        display = self._display()
        if display is None or display.kind.without_pictures:
            self._playing_changed()
            return
        self._read(play=True)

    def cine_settings(self) -> None:
        """Show or hide the strip."""
        if self.controls.isVisible():
            self._close()
            return
        self.controls.show()
        self._read(play=False)

    # events

    @Slot()
    def _close(self) -> None:
        self.player.stop()
        self.controls.hide()

    @Slot(int)
    def _step(self, by: int) -> None:
        self.player.stop()
        target = self._new_target()
        if target.count > 1:
            first, last = self.controls.first.value() - 1, self.controls.last.value() - 1
            target.show(first + (target.index - first + by) % (last - first + 1))

    @Slot()
    def _retime(self) -> None:
        target = self.player.target
        if target is not None:
            track = self._track(target)
            if track is not None:
                self.player.retime(track)

    @Slot()
    def _what_changed(self) -> None:
        playing = self.player.playing
        self.player.stop()
        self._fill()
        if playing:
            self._play()

    @Slot()
    def _playing_changed(self) -> None:
        playing = self.player.playing
        self._action.setChecked(playing)
        self.controls.show_playing(playing)

    @Slot(object, object)
    def _display_shown(self, screen: object, _display: object) -> None:
        """Another series ends the play of the one before; a time point does not."""
        target = self.player.target
        if isinstance(target, SliceTarget | TurnTarget) and (
            target.view.model is getattr(screen, "model", None)
        ):
            self.player.stop()
        if screen is self.page.showing.screen and not isinstance(target, TimeTarget):
            self._follow()

    @Slot()
    def _follow(self, _widget: object = None) -> None:
        """The strip speaks of the active display."""
        if self.controls.isVisible() and not self.player.playing:
            self._read(play=False)

    @Slot()
    def _arranged(self) -> None:
        target = self.player.target
        if isinstance(target, SliceTarget | TurnTarget) and (
            target.view not in self.page.wall.shown
        ):
            self.player.stop()
