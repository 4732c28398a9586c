"""The first bytes of a file: preamble, meta group, transfer syntax (PS3.10 7.1).

What is missing or wrong there is guessed only from what the bytes themselves show.
"""

from medbench.base.errors import IncompleteError, NotDicomError

IMPLICIT_LE = "1.2.840.10008.1.2"
EXPLICIT_LE = "1.2.840.10008.1.2.1"
DEFLATED_LE = "1.2.840.10008.1.2.1.99"
EXPLICIT_BE = "1.2.840.10008.1.2.2"
UNCOMPRESSED = frozenset({IMPLICIT_LE, EXPLICIT_LE, DEFLATED_LE, EXPLICIT_BE})

LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
VRS = LONG_VRS | frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split()
)


_PROGRAMS = (
    b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe",
    b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf",
)  # fmt: skip
"""First bytes of executables of the usual systems (CVE-2019-11687)."""


class NeedMoreError(Exception):
    """The buffer ends before the header does."""


def read_meta(data: bytes, size: int) -> tuple[int, str, list[str], bytes]:
    """Offset of the data set, its transfer syntax, warnings, media storage SOP class."""
    warnings: list[str] = []
    if data[128:132] == b"DICM":
        if data.startswith(_PROGRAMS):
            warnings.append("the preamble looks like a program")
        position = 132
    elif data[:2] == b"\x02\x00" and data[4:6] in VRS:
        position = 0
        warnings.append("no preamble")
    else:
        return _headless(data, size)
    if position >= size:
        raise IncompleteError("incomplete: no DICOM object, nothing after the preamble")
    syntax, sop_class = "", b""
    while True:
        if position + 8 > len(data):
            if position >= size:
                break
            raise NeedMoreError
        if data[position : position + 2] != b"\x02\x00":
            break
        element, vr = (
            data[position + 2] | data[position + 3] << 8,
            data[position + 4 : position + 6],
        )
        if vr in LONG_VRS:
            length, head = int.from_bytes(data[position + 8 : position + 12], "little"), 12
        else:
            length, head = int.from_bytes(data[position + 6 : position + 8], "little"), 8
        end = position + head + length
        if end > size:
            raise IncompleteError(f"incomplete: the header needs {end} of {size} bytes")
        if end > len(data):
            raise NeedMoreError
        value = data[position + head : end]
        if element == 0x0010:
            syntax = value.decode("latin-1").strip(" \0")
        elif element == 0x0002:
            sop_class = value
        position = end
    if not syntax:
        explicit = data[position + 4 : position + 6] in VRS
        syntax = EXPLICIT_LE if explicit else IMPLICIT_LE
        warnings.append("no transfer syntax in the header; guessed from the bytes")
    elif position + 6 <= len(data) and syntax not in (DEFLATED_LE, EXPLICIT_BE):
        syntax = _corrected(syntax, data[position + 4 : position + 6], warnings)
    return position, syntax, warnings, sop_class


def _corrected(syntax: str, vr: bytes, warnings: list[str]) -> str:
    """Explicit bytes under the implicit UID, or the other way round."""
    explicit = vr in VRS
    if syntax == IMPLICIT_LE and explicit:
        warnings.append("the data set is explicit although its header says implicit")
        return EXPLICIT_LE
    if syntax == EXPLICIT_LE and not explicit:
        warnings.append("the data set is implicit although its header says explicit")
        return IMPLICIT_LE
    return syntax


def _headless(data: bytes, size: int) -> tuple[int, str, list[str], bytes]:
    """A data set without preamble and meta group: accepted only if it starts like one."""
    if size < 132 and not any(data[:128]) and b"DICM".startswith(data[128:]):
        raise IncompleteError(f"incomplete: the file ends inside its preamble ({size} bytes)")
    if len(data) < 8:
        raise NotDicomError("not DICOM (no DICM marker, too short)")
    group, vr = data[:2], data[4:6]
    length_implicit = int.from_bytes(data[4:8], "little")
    if group in (b"\x08\x00", b"\x10\x00", b"\x04\x00") and data[3] < 0x80:
        if vr in VRS:
            return 0, EXPLICIT_LE, ["no DICOM header; explicit little endian guessed"], b""
        if length_implicit <= size - 8:
            return 0, IMPLICIT_LE, ["no DICOM header; implicit little endian guessed"], b""
    if group == b"\x00\x08" and data[2] < 0x80 and vr in VRS:
        return 0, EXPLICIT_BE, ["no DICOM header; explicit big endian guessed"], b""
    raise NotDicomError("not DICOM (no DICM marker)")
