"""Texts, dates and numbers of headers: character sets, person names, and what is shown of them."""

from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.uid import UID_dictionary

from medbench.dicom import tags
from medbench.dicom.guard import Header
from medbench.dicom.text import CharacterSet, character_set, shown_name


def header_characters(header: Header) -> CharacterSet:
    """Character sets of a header."""
    return character_set(header.text(tags.SPECIFIC_CHARACTER_SET))


def header_text(header: Header, tag: int) -> str:
    """Decoded text of a tag, first value."""
    text = header_characters(header).decode(header.values.get(tag, b"")).text
    return text.split("\\")[0].strip()


def person_name(header: Header) -> str:
    """Patient's Name as 'Family, Given', the ideographic group behind it in brackets."""
    raw = header.values.get(tags.PATIENT_NAME, b"")
    return shown_name(header_characters(header).decode(raw, "PN").text)


def name_note(header: Header) -> str:
    """What had to be assumed to read the patient's name; '' when the file declares it."""
    raw = header.values.get(tags.PATIENT_NAME, b"")
    note = header_characters(header).decode(raw, "PN").note
    return f"patient's name: {note}" if note else ""


def item_characters(item: Any, outer: CharacterSet | None = None) -> CharacterSet:
    """Character sets of a data set or sequence item; inherited where it has none of its own."""
    if "SpecificCharacterSet" in item:
        stored = item.get("SpecificCharacterSet")
        if stored is None or isinstance(stored, str):
            return character_set(stored or "")
        return character_set("\\".join(str(term) for term in stored))
    return outer if outer is not None else character_set("")


def item_text(item: Any, keyword: str, characters: CharacterSet) -> str:
    """Text of an element of a data set or item, decoded here from its bytes; '' when absent."""
    tag = tag_for_keyword(keyword)
    if tag is None or tag not in item:
        return ""
    element = item.get_item(tag)
    if isinstance(element, RawDataElement):
        return characters.decode(element.value or b"", element.VR or dictionary_VR(tag)).text
    return str(element.value if element.value is not None else "").strip()


def iso_date(text: str) -> str:
    """YYYYMMDD -> YYYY-MM-DD; anything else unchanged."""
    digits = text.replace(".", "").strip()
    if len(digits) == 8 and digits.isdigit():
        return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
    return text.strip()


def iso_time(text: str) -> str:
    """HHMMSS.ffffff -> HH:MM; anything else unchanged."""
    digits = text.split(".")[0].replace(":", "").strip()
    return f"{digits[:2]}:{digits[2:4]}" if len(digits) >= 4 and digits.isdigit() else text.strip()


def sop_class_name(uid: str) -> str:
    """Name of a SOP class, or its UID."""
    if not uid:
        return "object without SOP class"
    return UID_dictionary[uid][0] if uid in UID_dictionary else uid
