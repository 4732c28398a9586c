"""An approved model and the shown image; the image as a labelled case."""

from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, Slot

from medbench.base.ids import slugify
from medbench.cohorts.collect import LabelledFrame
from medbench.session.model_shelf import PredictionView

if TYPE_CHECKING:
    from medbench.ui.review.workspace import ReviewWorkspace


class AiDesk(QObject):
    """Runs models on the active stack's picture, brings the answer back to its screen."""

    def __init__(self, page: "ReviewWorkspace") -> None:
        super().__init__(page)
        self._page = page
        self._session = page.session
        self._session.models.predicted.connect(self._predicted)

    def frame(self) -> tuple[int, np.ndarray[Any, Any]] | None:
        """Index and modality values of the shown acquired picture; None while it is not there."""
        volume, index = self._page.model.volume, self._page.stack.index
        if volume is None or index >= len(volume.ready) or not volume.ready[index]:
            return None
        return index, volume.voxels[index]

    def run_ai(self) -> None:
        """Run the chosen approved model on the shown image."""
        frame, label = self.frame(), self._page.ai_panel.chosen
        if frame is None or not label:
            return
        index, values = frame
        model = self._page.model
        self._session.models.predict(
            label, f"{model.key}#{index}", values,
            inverted=model.info(index).inverted, device=self._session.settings.value.device,
        )  # fmt: skip

    @Slot(object)
    def _predicted(self, view: PredictionView) -> None:
        key, _, index = view.key.rpartition("#")
        for screen in self._page.showing.every_screen():
            if screen.model.key == key:
                screen.model.set_overlay(view.overlay, int(index))

    @Slot(str, str)
    def add_to_cohort(self, cohort: str, label: str) -> None:
        """Add the shown image as a labelled case."""
        display, frame = self._page.model.display, self.frame()
        if display is None or frame is None:
            self._session.messages.warning(self.tr("Open an image first"))
            return
        if not cohort or not label:
            self._session.messages.warning(self.tr("Name the cohort and the label"))
            return
        reference = display.frames[frame[0]]
        study = self._page.study_of(display)
        seen = self._session.findings.results(display.study_instance_uid)
        self._session.cohorts.add_frame(
            slugify(cohort),
            LabelledFrame(
                reference.path, display.display_id, reference.frame,
                study.patient_id if study is not None else "", label,
                self._session.settings.value.reader, study is not None and study.simulated,
                self._session.library.is_unpacked(reference.path), bool(seen),
                seen[-1].model if seen else "",
            ),
        )  # fmt: skip
