"""The middle of Review: viewports for pictures, a view of its own for every other object."""

from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QLabel, QStackedWidget, QWidget

from medbench.domain.image import DisplaySet
from medbench.session.library import display_key
from medbench.session.session import Session
from medbench.ui.review.content import ObjectView


class ObjectStage(QStackedWidget):
    """Page 0 holds the viewports, page 1 a sentence; views are made when first needed.

    Signals
    -------
    link_requested : str, int
        SOP Instance UID and frame (0-based) that a view wants to see.
    """

    link_requested = Signal(str, int)

    def __init__(self, session: Session, pictures: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._views: dict[type[ObjectView], ObjectView] = {}
        self._key = ""
        self.payload: Any = None
        """What the last opened object held."""
        self._words = QLabel()
        self._words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._words.setWordWrap(True)
        self._words.setAccessibleName(self.tr("Message"))
        self.addWidget(pictures)
        self.addWidget(self._words)
        session.objects.opened.connect(self._opened)
        session.objects.failed.connect(self._failed)

    @property
    def view(self) -> ObjectView | None:
        """The object view on stage; None while pictures or words are shown."""
        found = self.currentWidget()
        return found if isinstance(found, ObjectView) else None

    @property
    def words(self) -> str:
        """The sentence on stage; '' while a view or pictures are shown."""
        return self._words.text() if self.currentIndex() == 1 else ""

    def show_display(self, display: DisplaySet) -> bool:
        """Begin to show an object without pictures; False (and the viewports) for pictures."""
        self._key = display_key(display)
        if not display.kind.without_pictures:
            self.setCurrentIndex(0)
            return False
        self.say(self.tr("Loading ..."))
        self._session.objects.open(display)
        return True

    def empty(self) -> None:
        """Nothing is open: the viewports, which say so."""
        self._key = ""
        self.payload = None
        self.setCurrentIndex(0)

    def say(self, words: str) -> None:
        """A sentence in the middle, instead of pictures."""
        self._words.setText(words)
        self.setCurrentIndex(1)

    @Slot(object, object)
    def _opened(self, display: DisplaySet, payload: Any) -> None:
        if display_key(display) != self._key:
            return
        self.payload = payload
        from medbench.ui.review.object_views import OBJECT_VIEWS  # many; not for the start

        kind = next((k for k in OBJECT_VIEWS if k.accepts(payload)), None)
        if kind is None:
            self.say(display.reason or self.tr("This object cannot be shown."))
            return
        view = self._views.get(kind)
        if view is None:
            view = self._views[kind] = kind(self._session)
            view.link_requested.connect(self.link_requested)
            self.addWidget(view)
        view.show_object(display, payload)
        self.setCurrentWidget(view)

    @Slot(object, str)
    def _failed(self, display: DisplaySet, reason: str) -> None:
        if display_key(display) == self._key:
            self.say(reason)
