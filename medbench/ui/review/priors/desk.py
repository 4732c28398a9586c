"""Priors in Review: offered, laid beside the current study, aligned by themselves."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QTimer, Slot
from PySide6.QtWidgets import QWidget

from medbench.domain.alignment import AlignmentQuality, PriorLink
from medbench.domain.image import DisplaySet, Study
from medbench.domain.prior_match import PriorOffer, same_patient, study_day, study_moment
from medbench.session.library import display_key
from medbench.ui.review.commands import register_rows
from medbench.ui.review.feature import Feature, ToolButtonSpec
from medbench.ui.review.priors.bar import PriorBar
from medbench.ui.review.priors.same_cut import cut_alike, cut_as_acquired
from medbench.ui.review.screen import Screen
from medbench.ui.review.timeline import TimelineStrip

if TYPE_CHECKING:
    from medbench.ui.review.workspace import ReviewWorkspace

translate = QCoreApplication.translate


class PriorDesk(Feature):
    """Finds the pair (current, prior) on the wall and keeps bar, timeline and alignment to it."""

    order = 60

    def __init__(self, page: "ReviewWorkspace") -> None:
        super().__init__(page)
        self._priors = self.session.priors
        self._dismissed: set[str] = set()
        self._notes: dict[tuple[str, str], str] = {}
        self._stopped: set[tuple[str, str]] = set()
        self._cut: tuple[Screen, tuple[str, str], bool] | None = None
        """The prior's screen, the pair and the switch for which its plane was last chosen."""
        self._register()
        act = page.actions_registry.action
        self.prior_bar = PriorBar(
            act("medbench.review.open_prior"), act("medbench.review.toggle_alignment"),
            act("medbench.review.stop_alignment"),
        )  # fmt: skip
        self.timeline = TimelineStrip(self.session, act("medbench.review.toggle_timeline"))
        self.prior_bar.wanted.connect(self._wanted)
        self.prior_bar.dismissed.connect(self._dismiss)
        self.timeline.display_wanted.connect(self._from_timeline)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self.refresh)
        page.sync.aligned = self._priors.transform
        page.showing.display_shown.connect(self._later)
        page.showing.arranged.connect(self._later)
        page.showing.active_changed.connect(self._later)
        page.feeding.loaded.connect(self._later)
        self._priors.changed.connect(self._later)
        self._priors.aligning_changed.connect(self._later)
        self._priors.aligned.connect(self._aligned)
        self._priors.failed.connect(self._failed)
        self.session.library.changed.connect(self._later)
        self.session.findings.changed.connect(self._later)

    def _register(self) -> None:
        area = translate("Review", "Priors")
        rows = [
            (self.open_prior, translate("Review", "Show beside"), area, "Shift+P", "history",
             translate("Review", "The prior beside the current study; again: the one before it")),
            (self.toggle_alignment, translate("Review", "Aligned"), area, "Shift+J", "link",
             translate("Review", "Follow the alignment of current study and prior, or not")),
            (self.align_again, translate("Review", "Align again"), area, "", "rotate-cw",
             translate("Review", "Register the prior to the current study once more")),
            (self.stop_alignment, translate("Review", "Stop"), area, "", "x",
             translate("Review", "Stop the alignment of the prior")),
            (self.close_prior, translate("Review", "Close the prior"), area, "", "x", ""),
            (self.toggle_timeline, translate("Review", "Timeline"), area, "", "history",
             translate("Review", "Show or hide the timeline of the patient's studies")),
        ]  # fmt: skip
        register_rows(self.page, rows, {"toggle_alignment", "toggle_timeline"})
        self.page.actions_registry.action("medbench.review.toggle_timeline").setChecked(True)

    def buttons(self) -> tuple[ToolButtonSpec, ...]:
        return ()

    def bar(self) -> QWidget:
        return self.prior_bar

    def strip(self) -> QWidget:
        return self.timeline

    # who stands on the wall

    def _shown(self) -> list[tuple[Study, DisplaySet]]:
        found = []
        for screen in self.page.showing.screens:
            display = screen.display
            if display is not None and (study := self._priors.study_of(display)) is not None:
                found.append((study, display))
        return found

    def pair(self) -> tuple[DisplaySet | None, PriorOffer | None]:
        """The current display and the prior beside it, as they stand on the wall."""
        shown = self._shown()
        active = self.page.model.display
        if not shown or active is None:
            return active, None
        newest = max((study for study, _ in shown), key=study_moment)
        of_newest = [d for study, d in shown if study is newest]
        current = active if active in of_newest else of_newest[0]
        earlier = [
            (study, d) for study, d in shown
            if study is not newest and same_patient(newest, study)[0]
            and study_moment(study) < study_moment(newest)
        ]  # fmt: skip
        if not earlier:
            return current, None
        study, prior = next((e for e in earlier if e[1] is active), earlier[0])
        known = next((o for o in self._priors.offers(current) if o.display == prior), None)
        days = (study_day(newest), study_day(study))
        apart = (days[0] - days[1]).days if days[0] and days[1] else 0
        return current, known or PriorOffer(study, prior, 0.0, (), apart)

    # keeping up

    @Slot()
    @Slot(object)
    @Slot(object, object)
    def _later(self, *_: object) -> None:
        self._soon.start()

    @Slot()
    def refresh(self) -> None:
        """Bar, timeline, alignment and switch for what stands on the wall now."""
        current, beside = self.pair()
        self.timeline.refresh(current, self.page.showing)
        link = None
        if current is None:
            self.prior_bar.hide()
        elif beside is not None:
            link = self._keep_aligned(current, beside)
        else:
            self._offer(current)
        registry = self.page.actions_registry
        switch = registry.action("medbench.review.toggle_alignment")
        switch.setEnabled(link is not None)
        switch.setChecked(link is not None and link.applied)
        running = self._priors.aligning is not None
        registry.action("medbench.review.stop_alignment").setEnabled(running)
        registry.action("medbench.review.align_again").setEnabled(beside is not None)
        registry.action("medbench.review.close_prior").setEnabled(beside is not None)
        can = current is not None and bool(self._priors.offers(current))
        registry.action("medbench.review.open_prior").setEnabled(can)

    def _offer(self, current: DisplaySet) -> None:
        found = self._priors.offers(current)
        if found and current.study_instance_uid not in self._dismissed:
            self.prior_bar.offer(found)
        else:
            self.prior_bar.hide()

    def _keep_aligned(self, current: DisplaySet, beside: PriorOffer) -> PriorLink | None:
        """Ask for the alignment of the pair as soon as both are read; tell where it is."""
        prior = beside.display
        pair = (display_key(current), display_key(prior))
        if self._loaded(current) and self._loaded(prior) and pair not in self._stopped:
            self._priors.align(current, prior)
        running = self._priors.aligning
        fraction = None
        if running is not None and (running.current, running.prior) == (current, prior):
            fraction = running.fraction
        link = self._priors.link(*pair)
        if link is not None:
            self._cut_alike(current, prior, link)
        self.prior_bar.beside(
            beside, link, fraction, self._notes.get(pair, ""), self._priors.offers(current)
        )
        return link

    def _cut_alike(self, current: DisplaySet, prior: DisplaySet, link: PriorLink) -> None:
        """Once for each pair and switch: the prior along the current pictures, or as acquired."""
        screens = self.page.showing.screens
        if len(self.page.showing.cells) != 2 or len(screens) != 2:
            return
        one = next((s for s in screens if s.shows(current)), None)
        other = next((s for s in screens if s.shows(prior)), None)
        if one is None or other is None or not (self._loaded(current) and self._loaded(prior)):
            return
        pair = (link.current_key, link.prior_key)
        before, self._cut = self._cut, (other, pair, link.applied)
        if before == self._cut:
            return
        matrix = self._priors.transform_mm(*pair)
        if link.applied and matrix is not None:
            if cut_alike(self.page, one, other, matrix) and self.page.sync.on:
                self.page.sync.set_on(on=True)  # the new pictures follow at once
        elif before is not None and before[:2] == self._cut[:2]:
            cut_as_acquired(self.page, other)

    def _loaded(self, display: DisplaySet) -> bool:
        screens = [s for s in self.page.showing.screens if s.shows(display)]
        return any(s.loaded and s.model.volume is not None for s in screens)

    @Slot(object)
    def _aligned(self, link: PriorLink) -> None:
        alignment = link.alignment
        if alignment.quality is AlignmentQuality.POOR:
            self.session.messages.warning(
                self.tr("The prior was not aligned by itself"), alignment.reason
            )
        elif self._pair_keys() == (link.current_key, link.prior_key):
            self.page.sync.set_on(on=True)

    @Slot(object, object, str)
    def _failed(self, current: DisplaySet, prior: DisplaySet, reason: str) -> None:
        pair = (display_key(current), display_key(prior))
        self._stopped.add(pair)
        self._notes[pair] = reason or self.tr("The alignment was stopped")
        if reason:
            self.session.messages.warning(self.tr("The prior cannot be aligned"), reason)
        self._later()

    def _pair_keys(self) -> tuple[str, str] | None:
        current, beside = self.pair()
        if current is None or beside is None:
            return None
        return display_key(current), display_key(beside.display)

    # commands

    def open_prior(self) -> None:
        """The prior beside the current study; again: the one before it, then none."""
        current, beside = self.pair()
        if current is None:
            return
        found = self._priors.offers(current)
        if not found:
            self.session.messages.info(self.tr("No earlier study of this patient is open"))
        elif beside is None:
            self._show(current, found[0])
        else:
            at = next((i for i, o in enumerate(found) if o.study is beside.study), -1)
            if at + 1 < len(found):
                self._show(current, found[at + 1])
            else:
                self.close_prior()

    @Slot(object)
    def _wanted(self, offer: PriorOffer) -> None:
        current, _ = self.pair()
        if current is not None:
            self._show(current, offer)

    def _show(self, current: DisplaySet, offer: PriorOffer) -> None:
        self._activate(current)
        self.page.show_beside(offer.display)
        link = self._priors.link(display_key(current), display_key(offer.display))
        if link is not None and link.applied:
            self.page.sync.set_on(on=True)
        self._later()

    def _activate(self, display: DisplaySet) -> None:
        showing = self.page.showing
        for cell in showing.cells:
            if cell.screen.shows(display):
                showing.activate(showing.widget(cell))
                return

    def close_prior(self) -> None:
        """The current study alone."""
        current, beside = self.pair()
        if current is not None and beside is not None:
            self._activate(current)
            self.page.showing.set_grid(1, 1)

    def toggle_alignment(self) -> None:
        """Follow the alignment, or not."""
        pair = self._pair_keys()
        link = None if pair is None else self._priors.link(*pair)
        if link is None:
            return
        self._priors.set_applied(link, applied=not link.applied)
        if not link.applied:
            self.page.sync.set_on(on=True)
        self._later()

    def align_again(self) -> None:
        """Register the pair on the wall once more."""
        current, beside = self.pair()
        if current is None or beside is None:
            return
        pair = (display_key(current), display_key(beside.display))
        self._stopped.discard(pair)
        self._notes.pop(pair, None)
        if not self._priors.align(current, beside.display, again=True):
            self.session.messages.info(self.tr("These two cannot be aligned"))
        self._later()

    def stop_alignment(self) -> None:
        """Stop the registration that runs."""
        self._priors.cancel()

    def toggle_timeline(self) -> None:
        """Show or hide the timeline."""
        self.timeline.wanted = not self.timeline.wanted
        self._later()

    @Slot()
    def _dismiss(self) -> None:
        current, _ = self.pair()
        if current is not None:
            self._dismissed.add(current.study_instance_uid)
        self.refresh()

    @Slot(object)
    def _from_timeline(self, display: DisplaySet) -> None:
        self.page.show_display(display)
