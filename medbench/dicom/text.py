"""Character sets of texts (PS3.3 C.12.1.1.2, PS3.5 6.1): one decoder for everything that is shown.

ISO 2022 is followed as a small state machine: G0 decodes bytes below 80 (hex), G1 those above,
escape sequences put another set into one of them, delimiters bring back the first one. What the
file did not declare is read with care and said to be a guess.
"""

import codecs
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

ESC = 0x1B
_REPLACEMENT = "\ufffd"

TEXT_VRS = frozenset(("LO", "LT", "PN", "SH", "ST", "UC", "UT"))
"""Value representations that Specific Character Set governs (PS3.5 6.1.2.3)."""
_ONE_VALUE_VRS = frozenset(("LT", "ST", "UT"))
_LINE_RESETS = frozenset(b"\r\n\f\t")

_SINGLE = {
    "100": "latin_1", "101": "iso8859_2", "109": "iso8859_3", "110": "iso8859_4",
    "126": "iso8859_7", "127": "iso8859_6", "138": "iso8859_8", "144": "iso8859_5",
    "148": "iso8859_9", "166": "iso8859_11", "203": "iso8859_15",
}  # fmt: skip
_WHOLE = {
    "ISO_IR 192": "utf-8", "GB18030": "gb18030", "GBK": "gbk", "ISO 2022 GBK": "gbk",
}  # fmt: skip
"""Sets without code extensions: they must stand alone (PS3.3 C.12.1.1.2)."""


@dataclass(frozen=True)
class Decoded:
    """A text, and what had to be assumed to read it."""

    text: str
    note: str = ""
    """Empty when the bytes are what the file declares."""


@dataclass(frozen=True)
class _Graphic:
    """A set that can stand in G0 or G1."""

    registration: str
    width: int
    decode: Callable[[bytes], str]


@cache
def _first(names: tuple[str, ...]) -> Callable[[bytes], str]:
    """Decode with the first codec that knows the character."""

    @cache
    def decode(raw: bytes) -> str:
        for name in names:
            try:
                return codecs.decode(raw, name)
            except UnicodeDecodeError:
                continue
        return _REPLACEMENT

    return decode


def _high(raw: bytes) -> bytes:
    return bytes(byte | 0x80 for byte in raw)


def _ascii(raw: bytes) -> str:
    return raw.decode("ascii", "replace")


def _roman(raw: bytes) -> str:
    """JIS X 0201 left half: yen and overline differ from ASCII."""
    return {0x5C: "\u00a5", 0x7E: "\u203e"}.get(raw[0], chr(raw[0]))


def _kanji(raw: bytes) -> str:
    # euc_jis_2004 adds row 13 (circled numbers ...), which makers use without declaring it
    return _first(("euc_jp", "euc_jis_2004", "cp932"))(_high(raw))


def _kanji_supplement(raw: bytes) -> str:
    return _first(("euc_jp",))(b"\x8f" + _high(raw))


def _katakana(raw: bytes) -> str:
    return _first(("shift_jis",))(_high(raw))


_ASCII = _Graphic("6", 1, _ascii)
_ROMAN = _Graphic("14", 1, _roman)
_KATAKANA = _Graphic("13", 1, _katakana)
_JIS_0208 = _Graphic("87", 2, _kanji)
_JIS_0212 = _Graphic("159", 2, _kanji_supplement)
_KOREAN = _Graphic("149", 2, lambda raw: _first(("euc_kr", "cp949"))(_high(raw)))
_CHINESE = _Graphic("58", 2, lambda raw: _first(("gb2312", "gbk"))(_high(raw)))
_RIGHT = {n: _Graphic(n, 1, _first((codec,))) for n, codec in _SINGLE.items()}

_ESCAPES: dict[bytes, tuple[int, _Graphic]] = {
    b"(B": (0, _ASCII), b"(J": (0, _ROMAN), b"(I": (0, _KATAKANA),
    b"$B": (0, _JIS_0208), b"$@": (0, _JIS_0208), b"$(D": (0, _JIS_0212),
    b"$(C": (0, _KOREAN), b"$A": (0, _CHINESE),
    b")I": (1, _KATAKANA), b"$)C": (1, _KOREAN), b"$)A": (1, _CHINESE),
    b"-A": (1, _RIGHT["100"]), b"-B": (1, _RIGHT["101"]), b"-C": (1, _RIGHT["109"]),
    b"-D": (1, _RIGHT["110"]), b"-F": (1, _RIGHT["126"]), b"-G": (1, _RIGHT["127"]),
    b"-H": (1, _RIGHT["138"]), b"-L": (1, _RIGHT["144"]), b"-M": (1, _RIGHT["148"]),
    b"-T": (1, _RIGHT["166"]), b"-b": (1, _RIGHT["203"]),
}  # fmt: skip
"""PS3.3 tables C.12-3 and C.12-4; G0 forms of Korean and Chinese are seen in the wild."""


class CharacterSet:
    """Specific Character Set (0008,0005), ready to decode with."""

    def __init__(self, terms: tuple[str, ...]) -> None:
        self.terms = terms
        self.unknown = tuple(t for t in terms if t and not _known(t))
        self.whole = next((_WHOLE[t] for t in terms if t in _WHOLE), "")
        number = _number(terms[0] if terms else "")
        self._g0 = _ROMAN if number == "13" else _ASCII
        self._g1 = _KATAKANA if number == "13" else _RIGHT.get(number)
        if number == "149":  # declared first although only allowed as an extension
            self._g1 = _KOREAN
        elif number == "58":
            self._g1 = _CHINESE
        self._declared = {_number(term) for term in terms} | {"6", "14"}

    def decode(self, raw: bytes, vr: str = "LO") -> Decoded:
        """Text of a raw value, all values of it, padding removed; never raises.

        Bytes that mean nothing become U+FFFD, and the note says so.
        """
        raw = raw.rstrip(b" \0")
        if not raw:
            return Decoded("")
        if raw.isascii() and ESC not in raw and self._g0 is _ASCII:
            return Decoded(raw.decode("ascii").strip())
        if self.whole and ESC not in raw:
            found = self._decode_whole(raw)
        elif ESC not in raw and (guess := self._guess(raw)) is not None:
            found = guess
        else:
            found = self._decode_extended(raw, vr)
        notes = [found.note] if found.note else []
        if self.unknown and not raw.isascii():
            notes.insert(0, f"unknown character set {', '.join(self.unknown)}")
        if _REPLACEMENT in found.text:
            notes.append("some bytes mean nothing in this character set")
        return Decoded(found.text.strip(), "; ".join(notes))

    def _decode_whole(self, raw: bytes) -> Decoded:
        for name in (self.whole, "gb18030" if self.whole == "gbk" else "utf-8"):
            try:
                text = raw.decode(name)
            except UnicodeDecodeError:
                continue
            note = "" if name == self.whole else f"guess: read as {name}"
            return Decoded(text, note)
        if self.whole == "utf-8" and (found := _chinese(raw, strict=False)) is not None:
            return found
        return Decoded(raw.decode(self.whole, "replace"))

    def _guess(self, raw: bytes) -> Decoded | None:
        """What undeclared bytes are, where there is little doubt; None to read as declared."""
        if self._g1 is not None and self._g1.width > 1:
            return None
        western = self._g1 in (None, _RIGHT["100"])
        # 80 to 9F are control characters in every part of ISO 8859, and frequent in UTF-8
        controls = any(0x80 <= byte < 0xA0 for byte in raw)
        if (western or controls) and (text := _utf8(raw)) is not None:
            return Decoded(text, "guess: UTF-8, not declared in the file")
        if not western:
            return None
        strict = self._g1 is not None
        if (found := _chinese(raw, strict=strict)) is not None:
            return found
        if self._g1 is None:
            return Decoded(
                raw.decode("cp1252" if _is_windows(raw) else "latin_1", "replace"),
                "guess: Western European, no character set declared",
            )
        if controls and _is_windows(raw):
            return Decoded(raw.decode("cp1252"), "guess: Windows-1252 instead of ISO 8859-1")
        return None

    def _decode_extended(self, raw: bytes, vr: str) -> Decoded:
        """ISO 2022 (PS3.5 6.1.2.4, 6.1.2.5.3)."""
        resets = set(_LINE_RESETS)
        if vr == "PN":
            resets |= set(b"^=")
        if vr not in _ONE_VALUE_VRS:
            resets.add(0x5C)
        g0, g1 = self._g0, self._g1
        out: list[str] = []
        undeclared: list[str] = []
        position, end = 0, len(raw)
        while position < end:
            byte = raw[position]
            if byte == ESC:
                code = raw[position + 1 : position + 4]
                code = code if code in _ESCAPES else code[:2]
                if code not in _ESCAPES:
                    out.append(_REPLACEMENT)
                    position += 1
                    continue
                element, chosen = _ESCAPES[code]
                if chosen.registration not in self._declared:
                    undeclared.append(chosen.registration)
                g0, g1 = (chosen, g1) if element == 0 else (g0, chosen)
                position += 1 + len(code)
                continue
            if byte < 0x21 or byte == 0x7F or (g0.width == 1 and byte in resets):
                if byte in resets:
                    g0, g1 = self._g0, self._g1
                out.append(chr(byte))
                position += 1
                continue
            active = g0 if byte < 0x80 else g1
            if active is None:
                out.append(bytes([byte]).decode("latin_1"))
                undeclared.append("100")
                position += 1
                continue
            part = raw[position : position + active.width]
            same_half = all((b < 0x80) == (byte < 0x80) for b in part)
            if len(part) < active.width or not same_half:
                out.append(_REPLACEMENT)
                position += 1
                continue
            out.append(active.decode(part))
            position += active.width
        note = ""
        if undeclared:
            numbers = ", ".join(dict.fromkeys(undeclared))
            note = f"uses ISO-IR {numbers} without declaring it"
        return Decoded("".join(out), note)


def _number(term: str) -> str:
    """ISO registration of a defined term: 'ISO 2022 IR 87' -> '87'; 'ISO 2022 58' is seen too."""
    return term.rsplit(" ", 1)[-1] if term.startswith("ISO") else "6"


def _known(term: str) -> bool:
    return term in _WHOLE or (
        term.startswith("ISO")
        and _number(term) in {"6", "13", "14", "58", "87", "149", "159", *_SINGLE}
    )


def _utf8(raw: bytes) -> str | None:
    """Text when the bytes are UTF-8 with at least one longer character."""
    try:
        return raw.decode("utf-8") if not raw.isascii() else None
    except UnicodeDecodeError:
        return None


def _is_windows(raw: bytes) -> bool:
    return not any(byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D) for byte in raw)


def _chinese(raw: bytes, *, strict: bool) -> Decoded | None:
    """GB 18030 when the high bytes come in pairs, two at least, apart from Latin letters.

    ``strict``: Latin-1 was declared, so only characters of GB 2312 level 1 (the 3755 frequent
    ones, rows 16 to 55) are believed.
    """
    run, pairs = 0, 0
    for position, byte in enumerate([*raw, 0x20]):
        if byte >= 0x80 or (run % 2 == 1 and byte >= 0x40):
            run += 1
            continue
        if run:
            before = raw[position - run - 1 : position - run]
            if run % 2 or before.isalpha() or (byte < 0x80 and chr(byte).isalpha()):
                return None
            pairs += run // 2
            run = 0
    if pairs < 2:
        return None
    try:
        text = raw.decode("gb18030")
    except UnicodeDecodeError:
        return None
    wide = [c for c in text if ord(c) > 0x7F]
    for character in wide:
        if not "\u3400" <= character <= "\u9fff":
            return None
        if strict:
            try:
                row = character.encode("gb2312")[0] - 0xA0
            except UnicodeEncodeError:
                return None
            if not 16 <= row <= 55:
                return None
    return Decoded(text, "guess: GB 18030, not declared in the file")


@lru_cache(maxsize=256)
def character_set(value: str) -> CharacterSet:
    """Decoder for a stored Specific Character Set, several values by backslash."""
    return CharacterSet(tuple(term.strip(" \0") for term in value.split("\\")))


def shown_name(name: str) -> str:
    """A person name for reading: alphabetic, then ideographic in brackets (PS3.5 6.2.1).

    'Yamada^Tarou=山田^太郎=やまだ^たろう' -> 'Yamada, Tarou (山田 太郎)'. The phonetic group is
    shown only where it is the only one.
    """
    groups = [group.strip() for group in name.split("=")][:3]
    alphabetic, ideographic, phonetic, *_ = [*groups, "", "", ""]
    first, second = one_name(alphabetic), _wide_name(ideographic)
    if first and second:
        return f"{first} ({second})"
    return first or second or _wide_name(phonetic)


def one_name(group: str) -> str:
    """'Family^Given^Middle^Prefix^Suffix' -> 'Prefix Family, Given Middle, Suffix'."""
    parts = [part.strip() for part in group.split("^")] + [""] * 5
    family, given, middle, prefix, suffix = parts[:5]
    head = " ".join(part for part in (prefix, family) if part)
    rest = " ".join(part for part in (given, middle) if part)
    return ", ".join(part for part in (head, rest, suffix) if part)


def _wide_name(group: str) -> str:
    return " ".join(part.strip() for part in group.split("^") if part.strip())
