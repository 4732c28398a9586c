"""How priors and their alignment are spoken of."""

from PySide6.QtCore import QCoreApplication

from medbench.domain.alignment import Alignment, AlignmentQuality
from medbench.domain.image import DisplaySet
from medbench.domain.prior_match import PriorOffer, study_day

translate = QCoreApplication.translate
_DAYS_A_MONTH = 30.44
_DAYS_A_YEAR = 365.25


def span_words(days: int) -> str:
    """'22 days', '9 months', '3 years': how far two days lie apart."""
    if days == 0:
        return translate("Priors", "same day")
    if days == 1:
        return translate("Priors", "1 day")
    if days < 60:
        return translate("Priors", "{0} days").format(days)
    if days < 2 * _DAYS_A_YEAR:
        return translate("Priors", "{0} months").format(round(days / _DAYS_A_MONTH))
    return translate("Priors", "{0} years").format(round(days / _DAYS_A_YEAR))


def ago_words(days: int) -> str:
    """'22 days ago', 'Same day', '3 days later', seen from the current study."""
    if days == 0:
        return translate("Priors", "Same day")
    if days < 0:
        return translate("Priors", "{0} later").format(span_words(-days))
    return translate("Priors", "{0} ago").format(span_words(days))


def reason_words(offer: PriorOffer) -> str:
    """Why it is offered, in the reader's language."""
    words = {
        "same modality": translate("Priors", "same modality"),
        "same body part": translate("Priors", "same body part"),
        "neighbouring body part": translate("Priors", "neighbouring body part"),
        "same plane": translate("Priors", "same plane"),
        "same view": translate("Priors", "same view"),
        "same side": translate("Priors", "same side"),
        "similar description": translate("Priors", "similar description"),
    }
    return ", ".join(words[reason] for reason in offer.reasons)


def title_words(display: DisplaySet) -> str:
    """'CT Thorax 1.0': modality and description without saying the modality twice."""
    name = display.description.strip()
    if name.upper().startswith(display.modality.upper()):
        return name
    return f"{display.modality} {name}".strip()


def offer_words(offer: PriorOffer) -> str:
    """'Prior of 2019-10-14 (99 days)'."""
    day = study_day(offer.study)
    return translate("Priors", "Prior of {0} ({1})").format(
        day.isoformat() if day is not None else "?", span_words(offer.days)
    )


def quality_words(quality: AlignmentQuality) -> tuple[str, str]:
    """Words and role of the chip."""
    return {
        AlignmentQuality.GOOD: (translate("Priors", "Alignment good"), "success"),
        AlignmentQuality.FAIR: (translate("Priors", "Alignment fair"), "warning"),
        AlignmentQuality.POOR: (translate("Priors", "Alignment poor"), "error"),
    }[quality]


def alignment_details(found: Alignment) -> str:
    """What the word rests on, for the tooltip."""
    return "\n".join(
        [
            found.reason,
            translate("Priors", "Turned by {0}°, found in {1} s").format(
                f"{found.rotation_deg:.1f}", f"{found.seconds:.1f}"
            ),
            translate(
                "Priors",
                "Good: correlation ≥ 0.85 (information ≥ 0.16), half of the body in both, there "
                "and back within 2 mm. Fair: 0.60 (0.10), a fifth, 5 mm. Else poor.",
            ),
        ]
    )
