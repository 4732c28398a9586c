"""Brings layers and presentation states to the images they belong to."""

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Slot

from medbench.domain.image import DisplaySet
from medbench.session.layer_shelf import is_layer_display, layer_key, refusal, target_of
from medbench.session.library import display_key
from medbench.session.session import Session
from medbench.ui.review.layer_panel import LayerPanel
from medbench.ui.review.layers import LayerPainter
from medbench.ui.review.view_model import ViewModel
from medbench.ui.review.viewport import Viewport

if TYPE_CHECKING:
    from medbench.ui.review.workspace import ReviewWorkspace

_STATE = "1.2.840.10008.5.1.4.1.1.11."


class LayerDesk(QObject):
    """Between the shelf of layers, the panel and the viewports."""

    def __init__(self, session: Session, workspace: "ReviewWorkspace") -> None:
        super().__init__(workspace)
        self._session = session
        self._workspace = workspace
        self.panel = LayerPanel(session.layers, workspace.model)
        self.painter = LayerPainter(session.layers, workspace.showing.every_view, self)
        self._states: dict[str, Any] = {}
        self._graphics_only = False
        self.panel.layer_wanted.connect(self.attach)
        self.panel.presentation_wanted.connect(self._presentation_wanted)
        session.layers.read.connect(self._read)
        session.layers.failed.connect(self._failed)
        session.library.changed.connect(self.refresh)
        workspace.showing.display_shown.connect(self.refresh)
        workspace.showing.model_changed.connect(self.panel.follow)

    @property
    def _model(self) -> ViewModel:
        return self._workspace.model

    def watch(self, view: Viewport) -> None:
        """Draw layers on this view too."""
        self.painter.watch(view)

    def takes(self, display: DisplaySet) -> bool:
        """Whether the display belongs over other images that are open: then it is put there."""
        if not is_layer_display(display):
            return False
        self.attach(display)
        return True

    @Slot(object)
    def attach(self, display: DisplaySet) -> None:
        """Read an object of the study and draw it where it belongs."""
        self._session.layers.attach(display)

    @Slot()
    def refresh(self, *_: object) -> None:
        """Offer what the shown study has."""
        shown = self._model.display
        states: list[DisplaySet] = []
        layers: dict[str, DisplaySet] = {}
        for study in self._session.library.studies:
            if shown is None or study.study_instance_uid != shown.study_instance_uid:
                continue
            for display in (d for series in study.series for d in series.displays):
                if display.sop_class_uid.startswith(_STATE):
                    states.append(display)
                elif is_layer_display(display):
                    layers.setdefault(layer_key(display), display)
        self.panel.offer(states, tuple(layers.values()))

    @Slot(object, object)
    def _read(self, display: DisplaySet, payload: Any) -> None:
        target = target_of(payload, self._session.library.studies, self._model.display)
        if target is None:
            self._session.layers.remove(layer_key(display))
            if self._workspace.show_alone(display):
                return
            words = self.tr("The images that {0} belongs to are not open").format(
                display.description or display.modality
            )
            self._session.messages.warning(words)
            if self._model.display is None:
                self._workspace.stage.say(words)
            return
        geometry = target.geometry
        reference = geometry.frame_of_reference_uid if geometry is not None else ""
        if reason := refusal(payload, reference):
            self._session.layers.remove(layer_key(display))
            self._session.messages.warning(reason)
            return
        state = payload if display.sop_class_uid.startswith(_STATE) else None
        self._workspace.show_images(target)
        if state is not None:
            self._states[display_key(display)] = state
            self._model.set_presentation(state, graphics_only=self._graphics_only)
            self.panel.show_presentation(display)

    @Slot(object, str)
    def _failed(self, display: DisplaySet, reason: str) -> None:
        name = display.description or display.modality
        self._session.messages.warning(
            self.tr("{0} cannot be drawn over the images").format(name), reason
        )

    @Slot(object, bool)
    def _presentation_wanted(self, display: DisplaySet | None, only: bool) -> None:
        self._graphics_only = only
        if display is None:
            self._model.set_presentation(None)
            return
        state = self._states.get(display_key(display))
        if state is None:
            self.attach(display)
        else:
            self._model.set_presentation(state, graphics_only=only)
