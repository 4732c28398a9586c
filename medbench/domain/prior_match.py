"""Which earlier studies of a patient are worth a look beside the current one, and why."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np

from medbench.domain.body_part import compared, regions_of, words_of
from medbench.domain.image import DisplaySet, Study

_PROJECTION = frozenset({"CR", "DX", "RG", "XR"})
_LAYERS = frozenset({"SEG", "RTSTRUCT", "RTDOSE", "RTPLAN", "PR", "SR", "KO", "REG", "M3D"})
_SIDED = ("L", "R")
_LEAST = 3.0
_PARALLEL = 0.9


@dataclass(frozen=True)
class PriorOffer:
    """A display of an earlier study that belongs beside the current one."""

    study: Study
    display: DisplaySet
    score: float
    reasons: tuple[str, ...]
    """'same modality', 'same body part' ... in the order of their weight; English keys."""
    days: int
    """Between the two studies; 0 = the same day."""
    doubt: str = ""
    """What does not fit about the patient: another name, no birth date."""


def study_day(study: Study) -> date | None:
    """Study Date (0008,0020), of 'YYYYMMDD' or 'YYYY-MM-DD'; None where there is none."""
    digits = re.sub(r"\D", "", study.study_date)[:8]
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None


def study_moment(study: Study) -> tuple[date, str]:
    """For sorting: the day and the time; studies without a date come first."""
    return study_day(study) or date.min, re.sub(r"\D", "", study.study_time)[:6]


def same_patient(one: Study, other: Study) -> tuple[bool, str]:
    """Whether two studies are of one patient, and what speaks against it.

    The same Patient ID, and neither a contradicting birth date nor a contradicting sex: numbers
    are given twice by two hospitals, and then the older pictures would be somebody else's. Without
    any ID the name and the birth date must both be there and equal.
    """
    born, other_born = (re.sub(r"\D", "", s.patient_birth_date) for s in (one, other))
    names = [frozenset(words_of(s.patient_name)) for s in (one, other)]
    if not one.patient_id.strip() or not other.patient_id.strip():
        equal = bool(names[0]) and names[0] == names[1] and bool(born) and born == other_born
        return equal, "no patient ID, but the same name and birth date" if equal else ""
    if one.patient_id.strip() != other.patient_id.strip():
        return False, ""
    if born and other_born and born != other_born:
        return False, "the same patient ID, but another birth date"
    sexes = {s.patient_sex.strip().upper() for s in (one, other)} & {"M", "F"}
    if len(sexes) > 1:
        return False, "the same patient ID, but another sex"
    if names[0] and names[1] and not names[0] & names[1]:
        if born and born == other_born:
            return True, "another name, but the same patient ID and birth date"
        return False, "the same patient ID, but another name and no birth date to compare"
    return True, ""


def _group(modality: str) -> str:
    return "radiograph" if modality in _PROJECTION else modality


def _normal(display: DisplaySet) -> np.ndarray | None:
    return None if display.geometry is None or display.slices < 2 else display.geometry.normal


def scored(
    current: DisplaySet, current_study: Study, prior: DisplaySet, prior_study: Study
) -> tuple[float, tuple[str, ...]]:
    """How well a display of an earlier study belongs beside the current one; 0 = not at all.

    Modality 4, body part 4 (neighbouring 2), plane or view 2, side 1, words in common up to 3,
    same kind of display 1, about as many slices up to 1. Contradicting body parts or sides, and
    displays without pictures, score 0.
    """
    if prior.kind.without_pictures or current.kind.without_pictures:
        return 0.0, ()
    parts = compared(regions_of(current, current_study), regions_of(prior, prior_study))
    if parts is None:
        return 0.0, ()
    sides = {d.laterality.upper() for d in (current, prior)} & set(_SIDED)
    if len(sides) == 2:
        return 0.0, ()
    score, reasons = 0.0, []
    if _group(current.modality) == _group(prior.modality):
        score += 4
        reasons.append("same modality")
    if parts:
        score += 4 * parts
        reasons.append("same body part" if parts == 1.0 else "neighbouring body part")
    one, other = _normal(current), _normal(prior)
    if one is not None and other is not None:
        if abs(float(one @ other)) >= _PARALLEL:
            score += 2
            reasons.append("same plane")
    elif current.view_position and current.view_position == prior.view_position:
        score += 2
        reasons.append("same view")
    if len(sides) == 1 and current.laterality.upper() == prior.laterality.upper():
        score += 1
        reasons.append("same side")
    mine, its = words_of(current.description), words_of(prior.description)
    shared = mine & its
    if shared:
        score += 3 * len(shared) / len(mine | its)
        reasons.append("similar description")
    if current.kind is prior.kind:
        score += 1
    score += min(current.slices, prior.slices) / max(current.slices, prior.slices, 1)
    return score, tuple(reasons)


def offers(
    current: DisplaySet, current_study: Study, studies: Iterable[Study]
) -> tuple[PriorOffer, ...]:
    """Best display of each earlier study of the patient, the one to be offered first.

    A study of the same modality and body part comes before others, among those the latest. Studies
    without a date, and later ones, are never priors.
    """
    found = []
    moment = study_moment(current_study)
    day = study_day(current_study)
    for study in studies:
        if study.study_instance_uid == current_study.study_instance_uid or day is None:
            continue
        if study_day(study) is None or study_moment(study) >= moment:
            continue
        same, doubt = same_patient(current_study, study)
        if not same:
            continue
        best = _best(current, current_study, study)
        if best is not None:
            score, reasons, display = best
            earlier = study_day(study)
            assert earlier is not None
            offer = PriorOffer(study, display, score, reasons, (day - earlier).days, doubt)
            found.append(offer)

    def rank(offer: PriorOffer) -> tuple[int, tuple[date, str], float]:
        close = ("same modality" in offer.reasons) + ("same body part" in offer.reasons)
        return close, study_moment(offer.study), offer.score

    return tuple(sorted(found, key=rank, reverse=True))


def _best(
    current: DisplaySet, current_study: Study, study: Study
) -> tuple[float, tuple[str, ...], DisplaySet] | None:
    best: tuple[float, tuple[str, ...], DisplaySet] | None = None
    for display in (d for series in study.series for d in series.displays):
        if display.time_index or display.modality in _LAYERS:
            continue
        score, reasons = scored(current, current_study, display, study)
        needed = {"same modality", "same body part", "neighbouring body part"} & set(reasons)
        if score >= _LEAST and needed and (best is None or score > best[0]):
            best = score, reasons, display
    return best
