"""Hanging protocols: which layout a study of a kind gets, and which series goes into which cell.

Pure data and rules: a rule matches a study by what every field that is set asks for; of several
that match, the most specific one is taken, and of equally specific ones the first in the list.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from medbench.domain.body_part import (
    Region,
    compared,
    named_regions,
    regions_of,
    tokens_of,
    words_of,
)
from medbench.domain.image import DisplaySet, Study

KINDS = ("acquired", "axial", "coronal", "sagittal", "volume")
"""What a cell shows of its display; 'volume' is 3-D."""
PLANES = ("", "axial", "coronal", "sagittal")
ORDERS = ("series", "images")
"""How displays that fit are counted: by series number, or the one with most images first."""
SLAB_MODES = ("mean", "maximum", "minimum")
LATERALITIES = ("", "L", "R")
MOST = 4
_LAYERS = frozenset({"SEG", "RTSTRUCT", "RTDOSE", "RTPLAN", "PR", "SR", "KO", "REG", "M3D"})
_NORMALS = {"axial": (0.0, 0.0, 1.0), "coronal": (0.0, 1.0, 0.0), "sagittal": (1.0, 0.0, 0.0)}
_MOSTLY = 0.8


@dataclass(frozen=True)
class SeriesSelector:
    """Which display a cell takes; empty fields ask for nothing."""

    modality: str = ""
    words: tuple[str, ...] = ()
    """All of them are in the description, as words."""
    without: tuple[str, ...] = ()
    """None of them is."""
    plane: str = ""
    """How the pictures were acquired: axial, coronal, sagittal."""
    view: str = ""
    """View Position (0018,5101)."""
    laterality: str = ""
    images: int = 0
    """At least so many."""
    sort: str = "series"
    """See `ORDERS`."""
    order: int = 1
    """The first, second ... of those that fit."""
    prior: bool = False
    """Of the prior study instead of the current one."""


@dataclass(frozen=True)
class HangingCell:
    """One cell of a stage."""

    selector: SeriesSelector = field(default_factory=SeriesSelector)
    kind: str = "acquired"
    preset: str = ""
    """Id of a window preset; wins over ``window``."""
    window: tuple[float, float] | None = None
    """Centre and width; None = as the file says."""
    inverted: bool = False
    slab_mm: float = 0.0
    """Thickness of a plane; 0 = one slice."""
    slab_mode: str = "mean"
    alone: bool = False
    """Whether it scrolls for itself even where another cell shows a plane of the same display."""


@dataclass(frozen=True)
class HangingStage:
    """One layout."""

    rows: int
    columns: int
    cells: tuple[HangingCell, ...]
    """Row by row; may be shorter than rows x columns."""
    name: str = ""
    synchronised: bool = False


@dataclass(frozen=True)
class HangingMatch:
    """Which studies a rule is for; empty fields ask for nothing."""

    modality: str = ""
    """Some series has it."""
    body_part: str = ""
    """A word for a region (`Region`), or a Body Part Examined value."""
    words: tuple[str, ...] = ()
    """All of them are in the descriptions of the study or of its series."""
    without: tuple[str, ...] = ()
    least_series: int = 0
    most_series: int = 0
    """0 = no limit."""
    prior: bool | None = None
    """True: there is a prior; False: there is none."""
    laterality: str = ""

    @property
    def specificity(self) -> int:
        """How much it asks for; each word counts."""
        asked = [self.modality, self.body_part, self.least_series, self.most_series,
                 self.prior is not None, self.laterality]  # fmt: skip
        return sum(bool(v) for v in asked) + len(self.words) + len(self.without)


@dataclass(frozen=True)
class HangingRule:
    """A named layout for a kind of study."""

    rule_id: str
    name: str
    match: HangingMatch
    stages: tuple[HangingStage, ...]
    enabled: bool = True
    shipped: bool = False
    """Came with medbench; may be switched off, changed or deleted like any other."""


@dataclass(frozen=True)
class StudyFacts:
    """What a rule looks at."""

    modalities: frozenset[str]
    regions: frozenset[Region]
    body_parts: frozenset[str]
    words: frozenset[str]
    series: int
    prior: bool
    lateralities: frozenset[str]


def pictures_of(study: Study) -> tuple[tuple[int, DisplaySet], ...]:
    """(series number, display) of what can hang on a wall, in the order of the series."""
    found = [
        (series.number if series.number is not None else 1_000_000, place, display)
        for place, series in enumerate(study.series)
        for display in series.displays
        if not display.kind.without_pictures
        and display.modality not in _LAYERS
        and display.time_index == 0
    ]
    return tuple((number, display) for number, _, display in sorted(found, key=lambda f: f[:2]))


def facts_of(study: Study, *, prior: bool) -> StudyFacts:
    """What is known of a study."""
    displays = [display for _, display in pictures_of(study)]
    texts = [study.description, *(d.description for d in displays)]
    regions: frozenset[Region] = frozenset()
    for display in displays:
        regions |= regions_of(display, study)
    return StudyFacts(
        frozenset(d.modality for d in displays),
        regions,
        frozenset(d.body_part.upper() for d in displays if d.body_part),
        frozenset(word for text in texts for word in tokens_of(text)),
        len({d.series_instance_uid for d in displays}),
        prior,
        frozenset(d.laterality.upper() for d in displays if d.laterality),
    )


def matches(match: HangingMatch, facts: StudyFacts) -> bool:
    """Whether a study is what the rule is for."""
    if match.modality and match.modality.upper() not in facts.modalities:
        return False
    if match.body_part and not _same_part(match.body_part, facts):
        return False
    if not _all_words(match.words, facts.words) or _any_word(match.without, facts.words):
        return False
    if facts.series < match.least_series:
        return False
    if match.most_series and facts.series > match.most_series:
        return False
    if match.prior is not None and match.prior is not facts.prior:
        return False
    return not match.laterality or match.laterality.upper() in facts.lateralities


def _same_part(wanted: str, facts: StudyFacts) -> bool:
    if wanted.upper() in facts.body_parts:
        return True
    regions = regions_of_words(wanted)
    return bool(regions) and compared(regions, facts.regions) == 1.0


def regions_of_words(text: str) -> frozenset[Region]:
    """Regions that a text names; empty where it names none."""
    named = {region for region in Region if region.value == text.strip().lower()}
    return frozenset(named) or named_regions(text)


def _all_words(wanted: Iterable[str], present: frozenset[str]) -> bool:
    return all(tokens_of(text) <= present for text in wanted)


def _any_word(unwanted: Iterable[str], present: frozenset[str]) -> bool:
    return any(bool(tokens_of(text)) and tokens_of(text) <= present for text in unwanted)


def plane_of(display: DisplaySet) -> str:
    """How the pictures of a display lie: axial, coronal, sagittal; '' where nothing is known."""
    if display.geometry is None:
        return ""
    along = np.abs(display.geometry.normal)
    name, axis = max(_NORMALS.items(), key=lambda item: float(along @ np.asarray(item[1])))
    return name if float(along @ np.asarray(axis)) >= _MOSTLY else ""


def selects(selector: SeriesSelector, display: DisplaySet) -> bool:
    """Whether a display is what a cell asks for, apart from the order."""
    words = tokens_of(display.description)
    if selector.modality and selector.modality.upper() != display.modality.upper():
        return False
    if not _all_words(selector.words, words) or _any_word(selector.without, words):
        return False
    if selector.plane and plane_of(display) != selector.plane:
        return False
    if selector.view and selector.view.upper() != display.view_position.upper():
        return False
    if selector.laterality and selector.laterality.upper() != display.laterality.upper():
        return False
    return display.slices >= selector.images


def selected(selector: SeriesSelector, current: Study, prior: Study | None) -> DisplaySet | None:
    """The display a cell takes, or None."""
    study = prior if selector.prior else current
    if study is None:
        return None
    fitting = [(n, d) for n, d in pictures_of(study) if selects(selector, d)]
    if selector.sort == "images":
        fitting.sort(key=lambda item: -item[1].slices)
    return fitting[selector.order - 1][1] if len(fitting) >= selector.order else None


def filled(
    stage: HangingStage, current: Study, prior: Study | None
) -> tuple[DisplaySet | None, ...]:
    """The display of each cell of a stage."""
    return tuple(selected(cell.selector, current, prior) for cell in stage.cells)


def fits(rule: HangingRule, current: Study, prior: Study | None) -> bool:
    """Whether the first stage finds at least half of its series: an empty wall helps nobody."""
    found = filled(rule.stages[0], current, prior)
    return sum(d is not None for d in found) * 2 >= len(found) > 0


def chosen(rules: Sequence[HangingRule], current: Study, prior: Study | None) -> HangingRule | None:
    """The rule a study is hung by: the most specific one that matches; ties by the list's order."""
    facts = facts_of(current, prior=prior is not None)
    able = [
        rule for rule in rules
        if rule.enabled and matches(rule.match, facts) and fits(rule, current, prior)
    ]  # fmt: skip
    return max(able, key=lambda rule: rule.match.specificity, default=None)


def telling(display: DisplaySet, study: Study, *, prior: bool) -> SeriesSelector:
    """A selector that finds this display again in studies of the same kind.

    As few words of its description as set it apart from the others of its modality and plane; the
    order where words cannot.
    """
    plane = plane_of(display) if display.slices > 1 else ""
    base = SeriesSelector(
        display.modality, plane=plane, view=display.view_position,
        laterality=display.laterality if display.laterality.upper() in LATERALITIES else "",
        prior=prior,
    )  # fmt: skip
    others = [d for _, d in pictures_of(study) if d is not display and selects(base, d)]
    words: list[str] = []
    open_words = sorted(w for w in words_of(display.description) if not w[0].isdigit())
    while others and open_words:
        best = max(open_words, key=lambda w: sum(w not in words_of(o.description) for o in others))
        left = [o for o in others if best in words_of(o.description)]
        if len(left) == len(others):
            break
        words.append(best)
        open_words.remove(best)
        others = left
    selector = replace(base, words=tuple(sorted(words)))
    same = [d for _, d in pictures_of(study) if selects(selector, d)]
    return replace(selector, order=next((i for i, d in enumerate(same, 1) if d is display), 1))
