"""The ratio of two regions' means, e.g. oedema to white matter: follows them when they move."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from medbench.domain.measurement import Measurement, Quantity


@dataclass(frozen=True)
class RoiRatio:
    """Two measurements of one study; the number itself is never stored."""

    stored_as: ClassVar[str] = "roi_ratio"

    ratio_id: str
    study_instance_uid: str
    above: str
    """Measurement id of the region whose mean is divided."""
    below: str
    """Measurement id of the region it is divided by."""
    created: str = ""

    @property
    def record_id(self) -> str:
        """Key in the reading book."""
        return self.ratio_id

    def quantity(self, measurements: Mapping[str, Measurement]) -> Quantity:
        """The ratio now; None with the reason where there is none."""
        above, below = measurements.get(self.above), measurements.get(self.below)
        if above is None or below is None:
            return Quantity("ratio of means", None, "", "one of the regions is gone")
        one, two = above.quantity("mean"), below.quantity("mean")
        if one is None or two is None or one.value is None or two.value is None:
            return Quantity("ratio of means", None, "", "one of the regions has no mean")
        if one.unit != two.unit:
            return Quantity("ratio of means", None, "", "the regions have different units")
        if two.value == 0:
            return Quantity("ratio of means", None, "", "the second mean is zero")
        return Quantity("ratio of means", one.value / two.value)
