"""The line above the viewports that offers a prior, and says how it lies to the current study."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QMenu, QSizePolicy, QToolButton, QWidget

from medbench.domain.alignment import PriorLink
from medbench.domain.prior_match import PriorOffer
from medbench.ui.review.prior_words import (
    alignment_details,
    offer_words,
    quality_words,
    reason_words,
    title_words,
)
from medbench.ui.theme.icons import set_icon
from medbench.ui.widgets import Button, Chip, IconButton, ProgressLine, hbox, icon_label, label


class PriorBar(QFrame):
    """Hidden while there is no prior.

    Signals
    -------
    wanted : PriorOffer
        Show this one beside the current study.
    dismissed
        The reader does not want this offer.
    """

    wanted = Signal(object)
    dismissed = Signal()

    def __init__(
        self, beside: QAction, switch: QAction, stop: QAction, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Prior"))
        row = hbox(spacing=8)
        self.setLayout(row)
        row.addWidget(icon_label("history", "text2", 16))
        self.words = label("", "strong")
        row.addWidget(self.words)
        self.reason = label("", "secondary")
        self.reason.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row.addWidget(self.reason, 1)
        self.chip = Chip("")
        row.addWidget(self.chip)
        self.progress = ProgressLine(self.tr("Progress of the alignment"))
        self.progress.setFixedWidth(120)
        row.addWidget(self.progress)
        self.stop = Button.of(stop, "ghost")
        row.addWidget(self.stop)
        self.switch = QToolButton()
        self.switch.setObjectName("segment")
        self.switch.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.switch.setText(switch.text())
        self.switch.setToolTip(switch.toolTip())
        self.switch.setAccessibleName(switch.text())
        self.switch.setCheckable(True)
        self.switch.clicked.connect(switch.trigger)
        switch.toggled.connect(self.switch.setChecked)
        set_icon(self.switch, "link", "text", 16, "on_accent")
        row.addWidget(self.switch)
        self.open = Button.of(beside, "primary")
        row.addWidget(self.open)
        self.more = IconButton("chevron-down", self.tr("All priors of this study"))
        self._menu = QMenu(self.more)
        self._menu.triggered.connect(self._chosen)
        self.more.setMenu(self._menu)
        self.more.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self.more.setPopupMode(IconButton.ToolButtonPopupMode.InstantPopup)
        row.addWidget(self.more)
        self.close_button = IconButton("x", self.tr("Do not offer this prior"))
        self.close_button.clicked.connect(self.dismissed)
        row.addWidget(self.close_button)
        for button in (self.stop, self.switch, self.open):
            button.setFixedHeight(26)
        self.setFixedHeight(30)
        self.hide()

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 30)

    def offer(self, found: Sequence[PriorOffer]) -> None:
        """Offer the first; the menu holds all."""
        first = found[0]
        self.words.setText(offer_words(first))
        parts = [title_words(first.display), reason_words(first), first.doubt]
        self._say(" · ".join(part for part in parts if part))
        self._fill(found)
        self._parts(open_=True, close=True)

    def beside(
        self, offer: PriorOffer, link: PriorLink | None, fraction: float | None, note: str,
        found: Sequence[PriorOffer],
    ) -> None:  # fmt: skip
        """A prior stands beside: how far the alignment is, or what it is worth."""
        self.words.setText(offer_words(offer))
        if fraction is not None:
            self._say(self.tr("Aligning…"))
            self.progress.show_fraction(fraction)
        elif link is None:
            self._say(note or title_words(offer.display))
        else:
            text, role = quality_words(link.alignment.quality)
            self.chip.set_state(text, role)
            self.chip.setToolTip(alignment_details(link.alignment))
            poor = self.tr("Not used by itself: {0}").format(link.alignment.reason)
            self._say(title_words(offer.display) if role != "error" else poor)
        self._fill(found)
        self._parts(
            chip=link is not None and fraction is None, progress=fraction is not None,
            switch=link is not None and fraction is None,
        )  # fmt: skip

    def _say(self, text: str) -> None:
        self.reason.setText(text)
        self.reason.setToolTip(text)

    def _fill(self, found: Sequence[PriorOffer]) -> None:
        self._menu.clear()
        for offer in found:
            text = f"{offer_words(offer)} · {title_words(offer.display)}"
            self._menu.addAction(text.replace("&", "&&")).setData(offer)
        self.more.setVisible(bool(found))

    def _chosen(self, action: QAction) -> None:
        self.wanted.emit(action.data())

    def _parts(
        self, *, open_: bool = False, close: bool = False, chip: bool = False,
        progress: bool = False, switch: bool = False,
    ) -> None:  # fmt: skip
        for widget, shown in ((self.open, open_), (self.close_button, close), (self.chip, chip),
                              (self.progress, progress), (self.stop, progress),
                              (self.switch, switch)):  # fmt: skip
            widget.setVisible(shown)
        self.show()
