"""The parts of Review, in the order they are built."""

from medbench.ui.review.feature import Feature
from medbench.ui.review.findings.desk import FindingDesk
from medbench.ui.review.planes.desk import PlaneDesk

FEATURES: tuple[type[Feature], ...] = (
    FindingDesk,
    PlaneDesk,
)
