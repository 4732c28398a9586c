"""Layouts on the wall <-> stages of hanging protocols."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from medbench.domain.hanging import HangingCell, HangingStage, SeriesSelector, telling
from medbench.domain.image import DisplaySet, Study, VoiWindow
from medbench.imaging.oblique import SlabMode
from medbench.imaging.reslice import PlaneKind
from medbench.imaging.slab import Slab
from medbench.imaging.window import WindowPreset
from medbench.session.library import display_key
from medbench.ui.review.layout_state import CellState, LayoutState
from medbench.ui.review.screen import VOLUME

if TYPE_CHECKING:
    from medbench.ui.review.workspace import ReviewWorkspace


def layout_of(
    stage: HangingStage, displays: Sequence[DisplaySet | None], presets: Sequence[WindowPreset]
) -> LayoutState:
    """The layout of a stage whose cells take ``displays``; what cannot be cut stays a stack."""
    keys = [None if display is None else display_key(display) for display in displays]
    groups: dict[str, int] = {}
    cells = []
    for cell, display, key in zip(stage.cells, displays, keys, strict=True):
        if display is None or key is None:
            cells.append(CellState())
            continue
        kind = cell.kind if display.reformattable else PlaneKind.ACQUIRED.value
        group = -1 if cell.alone else groups.setdefault(key, len(groups))
        cells.append(CellState(key, kind, _window(cell, presets), cell.inverted, group))
    cells += [CellState()] * (stage.rows * stage.columns - len(cells))
    active = next((i for i, cell in enumerate(cells) if cell.display_key), 0)
    return LayoutState(stage.rows, stage.columns, tuple(cells), active, stage.synchronised)


def _window(cell: HangingCell, presets: Sequence[WindowPreset]) -> VoiWindow | None:
    preset = next((p for p in presets if p.preset_id == cell.preset), None)
    if preset is not None:
        return preset.window
    return None if cell.window is None else VoiWindow(*cell.window)


def set_slabs(page: "ReviewWorkspace", stage: HangingStage) -> None:
    """Make the planes on the wall as thick as the stage says."""
    for cell, wanted in zip(page.showing.cells, stage.cells, strict=False):
        if cell.kind != VOLUME and wanted.slab_mm > 0:
            slab = Slab(SlabMode(wanted.slab_mode), wanted.slab_mm)
            cell.screen.model.plane_state.set_slab(PlaneKind(cell.kind), slab)


def captured(
    page: "ReviewWorkspace", studies: Sequence[Study], presets: Sequence[WindowPreset], name: str
) -> HangingStage:
    """The wall as a stage; ``studies`` are the current one and, where one is shown, its prior."""
    state = page.layout_state()
    keys = [cell.display_key for cell in state.cells]
    cells = []
    for cell, place in zip(state.cells, page.showing.cells, strict=True):
        display = page.showing.find(cell.display_key) if cell.display_key else None
        study = _study_of(display, studies)
        if display is None or study is None:
            cells.append(HangingCell(SeriesSelector(order=1000)))  # an empty cell stays empty
            continue
        preset, window = "", None
        if isinstance(cell.voi, VoiWindow):
            window = (cell.voi.center, cell.voi.width)
            same = (p for p in presets if p.modality == display.modality and _equal(p, cell.voi))
            preset = next((p.preset_id for p in same), "")
        slab = None
        if cell.kind != VOLUME:
            slab = place.screen.model.plane_state.slab(PlaneKind(cell.kind))
        cells.append(
            HangingCell(
                telling(display, study, prior=study is not studies[0]), cell.kind, preset,
                None if preset else window, cell.inverted,
                0.0 if slab is None else slab.thickness_mm,
                SlabMode.MEAN.value if slab is None else slab.mode.value,
                alone=cell.group < 0 and keys.count(cell.display_key) > 1,
            )
        )  # fmt: skip
    return HangingStage(state.rows, state.columns, tuple(cells), name, state.synchronised)


def _study_of(display: DisplaySet | None, studies: Sequence[Study]) -> Study | None:
    if display is None:
        return None
    uid = display.study_instance_uid
    return next((s for s in studies if s.study_instance_uid == uid), None)


def _equal(preset: WindowPreset, voi: VoiWindow) -> bool:
    return (preset.window.center, preset.window.width) == (voi.center, voi.width)
