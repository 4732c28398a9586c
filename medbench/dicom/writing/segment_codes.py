"""What a segment is, in SNOMED CT: category and type from its name (PS3.16 CID 7150, 7151 ff.)."""

import re

from medbench.dicom.writing.items import Code

_ABNORMAL: Code = ("49755003", "SCT", "Morphologically Abnormal Structure")
_ANATOMY: Code = ("91723000", "SCT", "Anatomical Structure")
_TISSUE: Code = ("85756007", "SCT", "Tissue")

_TYPES: tuple[tuple[str, Code, Code], ...] = (
    (r"nodul", _ABNORMAL, ("27925004", "SCT", "Nodule")),
    (r"tumou?r|neoplasm|carcinom|metast|melanom", _ABNORMAL, ("108369006", "SCT", "Neoplasm")),
    (r"\bmass\b", _ABNORMAL, ("4147007", "SCT", "Mass")),
    (r"lesion", _ABNORMAL, ("52988006", "SCT", "Lesion")),
    (r"cyst", _ABNORMAL, ("367643001", "SCT", "Cyst")),
    (r"o?edema", _ABNORMAL, ("79654002", "SCT", "Edema")),
    (r"ha?emorrhage|bleed", _ABNORMAL, ("50960005", "SCT", "Hemorrhage")),
    (r"necro", _ABNORMAL, ("6574001", "SCT", "Necrosis")),
    (r"effusion", _ABNORMAL, ("41699000", "SCT", "Effusion")),
    (r"abscess", _ABNORMAL, ("44132006", "SCT", "Abscess")),
    (r"lymph ?node", _ANATOMY, ("59441001", "SCT", "Lymph Node")),
    (r"gall ?bladder", _ANATOMY, ("28231008", "SCT", "Gallbladder")),
    (r"bladder", _ANATOMY, ("89837001", "SCT", "Bladder")),
    (r"spinal cord", _ANATOMY, ("2748008", "SCT", "Spinal cord")),
    (r"vertebra|spine", _ANATOMY, ("51282000", "SCT", "Vertebra")),
    (r"hippocamp", _ANATOMY, ("5366008", "SCT", "Hippocampus")),
    (r"parotid", _ANATOMY, ("45289007", "SCT", "Parotid gland")),
    (r"mandib", _ANATOMY, ("91609006", "SCT", "Mandible")),
    (r"pancrea", _ANATOMY, ("15776009", "SCT", "Pancreas")),
    (r"prostat", _ANATOMY, ("41216001", "SCT", "Prostate")),
    (r"stomach", _ANATOMY, ("69695003", "SCT", "Stomach")),
    (r"trachea", _ANATOMY, ("44567001", "SCT", "Trachea")),
    (r"o?esophag", _ANATOMY, ("32849002", "SCT", "Esophagus")),
    (r"vessel", _ANATOMY, ("59820001", "SCT", "Blood Vessel")),
    (r"retina", _ANATOMY, ("5665001", "SCT", "Retina")),
    (r"spleen", _ANATOMY, ("78961009", "SCT", "Spleen")),
    (r"kidney|renal", _ANATOMY, ("64033007", "SCT", "Kidney")),
    (r"liver|hepat", _ANATOMY, ("10200004", "SCT", "Liver")),
    (r"aorta", _ANATOMY, ("15825003", "SCT", "Aorta")),
    (r"uter(us|ine)", _ANATOMY, ("35039007", "SCT", "Uterus")),
    (r"breast", _ANATOMY, ("76752008", "SCT", "Breast")),
    (r"femur", _ANATOMY, ("71341001", "SCT", "Femur")),
    (r"skull", _ANATOMY, ("89546000", "SCT", "Skull")),
    (r"brain", _ANATOMY, ("12738006", "SCT", "Brain")),
    (r"heart", _ANATOMY, ("80891009", "SCT", "Heart")),
    (r"lung", _ANATOMY, ("39607008", "SCT", "Lung")),
    (r"\bribs?\b", _ANATOMY, ("113197003", "SCT", "Rib")),
    (r"\beyes?\b", _ANATOMY, ("81745001", "SCT", "Eye")),
    (r"\bbones?\b", _TISSUE, ("272673000", "SCT", "Bone")),
    (r"muscle", _TISSUE, ("71616004", "SCT", "Muscle")),
    (r"\bskin\b", _TISSUE, ("39937001", "SCT", "Skin")),
)
"""Lesions before organs: a liver metastasis is a neoplasm."""


def segment_codes(label: str) -> tuple[Code, Code]:
    """(category, type) of a segment by its name; tissue where the name says nothing known."""
    words = label.lower()
    for pattern, category, kind in _TYPES:
        if re.search(pattern, words):
            return category, kind
    return _TISSUE, _TISSUE
