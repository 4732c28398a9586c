"""Which region of the body a display shows: the header's own word, else words of descriptions."""

import re
import unicodedata
from enum import StrEnum

from medbench.domain.image import DisplaySet, Study


class Region(StrEnum):
    """Coarse regions: what one would compare with each other."""

    HEAD = "head"
    NECK = "neck"
    CHEST = "chest"
    BREAST = "breast"
    HEART = "heart"
    ABDOMEN = "abdomen"
    PELVIS = "pelvis"
    SPINE = "spine"
    SHOULDER = "shoulder"
    ARM = "arm"
    HAND = "hand"
    HIP = "hip"
    LEG = "leg"
    KNEE = "knee"
    FOOT = "foot"
    WHOLE_BODY = "whole body"


_WORDS: dict[Region, str] = {
    Region.HEAD: "head brain skull cranium cerebrum neuro orbit orbits sinus sinuses face facial "
    "pituitary sella iac stroke kopf schadel hirn crane cerveau cabeza jaw mandible",
    Region.NECK: "neck thyroid larynx carotid hals cou cuello",
    Region.CHEST: "chest thorax thoracic lung lungs pulmonary cxr rib ribs sternum clavicle "
    "mediastinum hrct thorakal lunge poumon torax",
    Region.BREAST: "breast mammo mammography mammogram tomosynthesis mamma mama",
    Region.HEART: "heart cardiac coronary coronaries herz coeur corazon",
    Region.ABDOMEN: "abdomen abdominal liver hepatic kidney kidneys renal pancreas spleen bowel "
    "kub mrcp leber bauch foie",
    Region.PELVIS: "pelvis pelvic prostate bladder uterus rectum ovary sacrum becken bassin",
    Region.SPINE: "spine cspine tspine lspine lspine sspine vertebra vertebral lumbar cervical "
    "lumbosacral wirbelsaule hws bws lws rachis columna",
    Region.SHOULDER: "shoulder scapula schulter epaule hombro",
    Region.ARM: "arm humerus forearm elbow radius ulna upperarm",
    Region.HAND: "hand wrist finger thumb carpus handgelenk mano",
    Region.HIP: "hip hips femurhead huefte hufte hanche cadera",
    Region.LEG: "leg femur tibia fibula thigh calf lowerleg extremity bein jambe",
    Region.KNEE: "knee patella meniscus knie genou rodilla",
    Region.FOOT: "foot ankle toe calcaneus heel fuss pied",
    Region.WHOLE_BODY: "wholebody skullbase-thigh eyes-thighs",
}  # fmt: skip
_REGION_OF = {word: region for region, words in _WORDS.items() for word in words.split()}
_ALSO = {
    frozenset({Region.CHEST, Region.HEART}),
    frozenset({Region.ABDOMEN, Region.PELVIS}),
    frozenset({Region.HIP, Region.PELVIS}),
    frozenset({Region.HAND, Region.ARM}),
    frozenset({Region.SHOULDER, Region.ARM}),
}
"""Regions that are read together often enough to be offered, though named apart."""
_NOISE = frozenset(
    ["the", "of", "and", "with", "without", "w", "wo", "for", "to", "in", "on", "mit", "ohne",
     "und", "avec", "sans", "series", "study", "scan", "image", "images", "mm", "thin", "thick",
     "protocol", "routine", "standard"]
)  # fmt: skip


def words_of(text: str) -> frozenset[str]:
    """Words of a text without those that say nothing of the picture."""
    return tokens_of(text) - _NOISE


def tokens_of(text: str) -> frozenset[str]:
    """Lower-case words without accents; 'T1post_ax 5mm' are t1, post, ax, 5 and mm."""
    plain = unicodedata.normalize("NFKD", text.lower())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return frozenset(re.findall(r"[a-z]+[0-9]*|[0-9]+(?:\.[0-9]+)?", plain))


def regions_of(display: DisplaySet, study: Study | None = None) -> frozenset[Region]:
    """Regions a display shows; empty where nothing says so.

    Body Part Examined (0018,0015) first; else the series' description, else the study's. Several
    words may name several regions ('Abdomen pelvis').
    """
    texts = [display.body_part, display.description]
    if study is not None:
        texts.append(study.description)
    for text in texts:
        if found := named_regions(text):
            return found
    return frozenset({Region.BREAST}) if display.modality == "MG" else frozenset()


def named_regions(text: str) -> frozenset[Region]:
    """Regions that words of a text name; empty where none does."""
    words = words_of(text)
    found = {_REGION_OF[word] for word in words if word in _REGION_OF}
    joined = re.sub(r"[^a-z]", "", text.lower())
    for prefix in ("cspine", "tspine", "lspine", "sspine", "wholebody"):
        if prefix in joined:
            found.add(_REGION_OF[prefix])
    if Region.SPINE in found:
        found -= {Region.CHEST}  # 'thoracic spine' is no chest
    return frozenset(found)


def compared(one: frozenset[Region], other: frozenset[Region]) -> float | None:
    """How well two sets of regions belong together.

    1 = one region in common, 0.5 = neighbours, 0 = nothing is known of one of them, None = they
    contradict each other.
    """
    if not one or not other:
        return 0.0
    if one & other or Region.WHOLE_BODY in one | other:
        return 1.0
    if any(frozenset({a, b}) in _ALSO for a in one for b in other):
        return 0.5
    return None
