"""The parts of Review, in the order they are built."""

from medbench.ui.review.cine.desk import CineDesk
from medbench.ui.review.ecg.feature import EcgFeature
from medbench.ui.review.export.desk import ExportDesk
from medbench.ui.review.feature import Feature
from medbench.ui.review.findings.desk import FindingDesk
from medbench.ui.review.hanging.desk import HangingDesk
from medbench.ui.review.measure.desk import MeasureDesk
from medbench.ui.review.planes.desk import PlaneDesk
from medbench.ui.review.priors.desk import PriorDesk
from medbench.ui.review.segments.desk import SegmentDesk
from medbench.ui.review.view_keys import ViewKeys
from medbench.ui.review.volume3d.desk import VolumeDesk
from medbench.ui.review.windows.desk import WindowDesk

FEATURES: tuple[type[Feature], ...] = (
    CineDesk,
    EcgFeature,
    ExportDesk,
    FindingDesk,
    HangingDesk,
    MeasureDesk,
    PlaneDesk,
    PriorDesk,
    SegmentDesk,
    ViewKeys,
    VolumeDesk,
    WindowDesk,
)
