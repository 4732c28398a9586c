"""Values of the selected region, counted away from the window where they are many."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from medbench.domain.measurement import Measurement
from medbench.session.ports import Handle
from medbench.ui.review.measure.placing import ground_of, site_of
from medbench.ui.review.measure.rows import Histogram

if TYPE_CHECKING:
    from medbench.ui.review.workspace import ReviewWorkspace


class Histograms(QObject):
    """Counts the values of one region at a time.

    Signals
    -------
    ready : str, Histogram
        Id of the measurement, bin edges and counts; None where there is nothing to count.
    """

    ready = Signal(str, object)

    def __init__(self, page: "ReviewWorkspace", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._page = page
        self._done: Measurement | None = None

    def follow(self, measurement: Measurement | None) -> None:
        """Another region is selected, or it changed; nothing is counted twice."""
        known = self._done
        if measurement is None or not measurement.kind.is_roi:
            if known is not None:
                self._done = None
                self.ready.emit(known.measurement_id, None)
            return
        if known is not None and (known.measurement_id, known.site, known.points) == (
            measurement.measurement_id, measurement.site, measurement.points
        ):  # fmt: skip
            return
        view = next((v for v in self._page.views() if site_of(v) == measurement.site), None)
        ground = None if view is None else ground_of(view)
        if ground is None or ground.picture.values is None or ground.picture.values.ndim != 2:
            return
        self._done = measurement
        picture, values = ground.picture, ground.picture.values

        def work(_handle: Handle) -> Histogram | None:
            from medbench.imaging.roi import region_histogram, region_of

            region = region_of(measurement.kind, measurement.points, picture.shape)
            return region_histogram(values, region, picture.padding)

        def done(found: Histogram | None) -> None:
            if self._done is measurement:
                self.ready.emit(measurement.measurement_id, found)

        def failed(sentence: str) -> None:
            if sentence:
                self._page.session.messages.error(sentence)

        self._page.session.objects.compute("histogram", work, done, failed)
