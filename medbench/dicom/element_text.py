"""Texts of pydicom's elements where pydicom leaves the escapes of ISO 2022 IR 58 in them."""

from typing import Any

from pydicom.hooks import raw_element_value

from medbench.dicom.text import TEXT_VRS, character_set

_CHINESE_ESCAPE = b"\x1b$)A"


def decoded_value(raw: Any, data: dict[str, Any], **known: Any) -> None:
    """Callback of pydicom's ``raw_element_value`` hook: GB 2312 is decoded here, the rest there."""
    value = raw.value
    if data["VR"] in TEXT_VRS and isinstance(value, bytes) and _CHINESE_ESCAPE in value:
        text = character_set("\\ISO 2022 IR 58").decode(value, data["VR"]).text
        raw = raw._replace(value=text.encode())
        known["encoding"] = ["utf8"]
    raw_element_value(raw, data, **known)
