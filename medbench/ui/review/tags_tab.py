"""Place of the tag browser; the browser is built when the tab is first looked at."""

from typing import TYPE_CHECKING

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from medbench.session.session import Session
from medbench.ui.review.view_model import ViewModel
from medbench.ui.review.viewport import Viewport
from medbench.ui.widgets import vbox

if TYPE_CHECKING:
    from medbench.ui.review.tag_browser import TagBrowser


class TagsTab(QWidget):
    """Elements of the file behind the shown slice."""

    def __init__(
        self, session: Session, model: ViewModel, stack: Viewport, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._model, self._stack = session, model, stack
        self.browser: TagBrowser | None = None
        self._column = vbox()
        self.setLayout(self._column)

    def follow(self, model: ViewModel, stack: Viewport) -> None:
        """Speak of another screen."""
        self._model, self._stack = model, stack
        if self.browser is not None:
            self.browser.follow(model, stack)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.browser is None:
            from medbench.ui.review.tag_browser import TagBrowser

            self.browser = TagBrowser(self._session)
            self.browser.follow(self._model, self._stack)
            self._column.addWidget(self.browser)
