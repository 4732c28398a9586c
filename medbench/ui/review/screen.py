"""One shown display: its model, and its viewports by plane, made when first asked for."""

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from medbench.domain.image import DisplaySet
from medbench.imaging.reslice import PlaneKind
from medbench.session.library import display_key
from medbench.ui.review.pointer import Toolbox
from medbench.ui.review.view_model import ViewModel
from medbench.ui.review.viewport import Viewport

VOLUME = "volume"
"""Kind of the cell that shows the volume in 3-D."""
Made = Callable[[Viewport], None]


class Views(dict[PlaneKind, Viewport]):
    """Viewports by plane; a missing one is made."""

    def __init__(self, model: ViewModel, made: Made) -> None:
        super().__init__()
        self._model = model
        self._made = made

    def __missing__(self, kind: PlaneKind) -> Viewport:
        view = self[kind] = Viewport(self._model, kind)
        view.hide()
        self._made(view)
        return view


class Screen(QObject):
    """A place for one display; several cells of the wall may show its planes."""

    def __init__(self, toolbox: Toolbox, made: Made, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.model = ViewModel(toolbox, self)
        self.views = Views(self.model, made)
        self.volume_view: QWidget | None = None
        """The 3-D view, once it was wanted."""

    @property
    def stack(self) -> Viewport:
        """The pictures as acquired."""
        return self.views[PlaneKind.ACQUIRED]

    @property
    def display(self) -> DisplaySet | None:
        """What is shown."""
        return self.model.display

    def shows(self, display: DisplaySet) -> bool:
        """Whether it shows this display."""
        return self.model.display is not None and self.model.key == display_key(display)

    @property
    def loaded(self) -> bool:
        """Whether every slice is there (or nothing is shown, or it failed)."""
        volume = self.model.volume
        if self.model.display is None or self.model.failure:
            return True
        return volume is not None and int(volume.ready.sum()) + len(volume.failed) >= len(
            volume.ready
        )

    def widgets(self) -> tuple[QWidget, ...]:
        """Every widget it has made."""
        extra = () if self.volume_view is None else (self.volume_view,)
        return (*self.views.values(), *extra)

    def dispose(self) -> None:
        """It is not needed any more."""
        for widget in self.widgets():
            widget.hide()
            widget.setParent(None)
            widget.deleteLater()
        self.views.clear()
        self.volume_view = None
        self.deleteLater()
