"""From bytes to stored values, and from stored to modality values (PS3.5 8.1, PS3.3 C.7.6.3)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from medbench.base.errors import BadInputError, IncompleteError
from medbench.dicom import tags
from medbench.dicom.guard import EXPLICIT_BE, Header

MAX_FRAME_BYTES = 512 << 20
_PAIRED = frozenset({"YBR_FULL_422", "YBR_PARTIAL_422"})
_RETIRED = {"CMYK": "four inks", "ARGB": "an alpha channel", "HSV": "hue, saturation, value"}


@dataclass(frozen=True)
class PixelFormat:
    """Image Pixel Module of one instance, checked."""

    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    photometric: str
    planar: int
    frames: int
    transfer_syntax_uid: str

    @property
    def colour(self) -> bool:
        """More than one sample per pixel."""
        return self.samples > 1

    @property
    def frame_bits(self) -> int:
        """Bits of one uncompressed frame.

        4:2:2 colour stores two samples per pixel, in pairs of pixels: an odd row is padded.
        """
        if self.paired:
            return self.rows * (self.columns + self.columns % 2) * 2 * self.bits_allocated
        return self.rows * self.columns * self.samples * self.bits_allocated

    @property
    def paired(self) -> bool:
        """Whether two neighbours share their colour in native frames (PS3.3 C.7.6.3.1.2)."""
        return self.samples == 3 and self.photometric in _PAIRED

    @property
    def total_bytes(self) -> int:
        """Bytes of all uncompressed frames, packed as PS3.5 8.1.1 says."""
        return -(-self.frame_bits * self.frames // 8)

    @property
    def stored_dtype(self) -> np.dtype[Any]:
        """Type of a cell in the file."""
        order = ">" if self.transfer_syntax_uid == EXPLICIT_BE else "<"
        kind = "i" if self.signed and not self.colour else "u"
        return np.dtype(f"{order}{kind}{max(self.bits_allocated, 8) // 8}")

    def to_json(self) -> dict[str, Any]:
        """For the decoder process."""
        return dict(vars(self))


def pixel_format(header: Header) -> PixelFormat:
    """Read and check the pixel description.

    Raises
    ------
    BadInputError
        A value no picture can be made of, named.
    """

    def need(tag: int, name: str, default: int | None = None) -> int:
        value = header.short(tag)
        if value is None:
            if default is None:
                raise BadInputError(f"{name} is missing, no picture can be made")
            return default
        return value

    allocated = 32 if header.pixel_tag == 0x7FE00008 else 64
    if header.pixel_tag == 0x7FE00010:
        allocated = need(tags.BITS_ALLOCATED, "Bits Allocated")
    stored = need(tags.BITS_STORED, "Bits Stored", allocated)
    high = need(tags.HIGH_BIT, "High Bit", stored - 1)
    if not stored - 1 <= high < allocated:
        header.warnings.append(f"High Bit {high} cannot be; {stored - 1} is used")
        high = stored - 1
    found = PixelFormat(
        rows=need(tags.ROWS, "Rows"),
        columns=need(tags.COLUMNS, "Columns"),
        samples=need(tags.SAMPLES_PER_PIXEL, "Samples per Pixel", 1),
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=high,
        signed=bool(need(tags.PIXEL_REPRESENTATION, "Pixel Representation", 0)),
        photometric=header.text(tags.PHOTOMETRIC) or "MONOCHROME2",
        planar=need(tags.PLANAR_CONFIGURATION, "Planar Configuration", 0),
        frames=max(1, int(header.number(tags.NUMBER_OF_FRAMES) or 1)),
        transfer_syntax_uid=header.transfer_syntax_uid,
    )
    if found.rows < 1 or found.columns < 1:
        raise BadInputError("Rows or Columns is 0, no picture can be made")
    if found.bits_allocated not in (1, 8, 16, 32, 64):
        raise BadInputError(f"Bits Allocated is {found.bits_allocated}; 1, 8, 16, 32 or 64 belong")
    if not 1 <= found.bits_stored <= found.bits_allocated:
        raise BadInputError(f"Bits Stored {found.bits_stored} exceeds Bits Allocated")
    _check_colour(found)
    if found.frame_bits // 8 > MAX_FRAME_BYTES:
        raise BadInputError("one frame would need more than 512 MiB")
    if not header.compressed and header.pixel_length_bytes < found.total_bytes:
        raise IncompleteError(
            f"incomplete: {found.frames} frames need {found.total_bytes} bytes of pixel data, "
            f"the file has {header.pixel_length_bytes}"
        )
    return found


def _check_colour(form: PixelFormat) -> None:
    """Samples and Photometric Interpretation that can be shown (PS3.3 C.7.6.3.1.2)."""
    if form.photometric in _RETIRED:
        raise BadInputError(
            f"the pixels are {form.photometric} ({_RETIRED[form.photometric]}), which DICOM "
            "retired; they are not shown because their colours cannot be known"
        )
    if form.samples not in (1, 3):
        raise BadInputError(
            f"Samples per Pixel is {form.samples}; only grey (1) and colour (3) can be shown"
        )
    if form.samples == 3 and form.photometric == "PALETTE COLOR":
        raise BadInputError("the pixels claim both a palette and three samples")
    if form.samples == 3 and form.bits_allocated not in (8, 16, 32):
        raise BadInputError(f"colour with {form.bits_allocated} bits per sample cannot be shown")


def float_pixels(header: Header) -> bool:
    """Float or Double Float Pixel Data."""
    return header.pixel_tag in (0x7FE00008, 0x7FE00009)


def unpack_frame(raw: bytes | np.ndarray, form: PixelFormat, *, bit_offset: int = 0) -> np.ndarray:
    """Stored values of one uncompressed frame: (rows, columns) or (rows, columns, samples).

    ``raw`` starts at the byte that holds the frame's first bit; ``bit_offset`` counts from there
    (only for 1-bit frames, which are packed without alignment).
    """
    if form.bits_allocated == 1:
        bits = np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little")
        return bits[bit_offset : bit_offset + form.rows * form.columns].reshape(
            form.rows, form.columns
        )
    cells = np.frombuffer(raw, form.stored_dtype)
    if form.paired:
        pairs = -(-form.columns // 2)
        return _upsample_422(cells.reshape(form.rows, pairs, 4))[:, : form.columns]
    if form.samples == 1:
        return cells.reshape(form.rows, form.columns)
    if form.planar == 1:
        return np.moveaxis(cells.reshape(form.samples, form.rows, form.columns), 0, -1)
    return cells.reshape(form.rows, form.columns, form.samples)


def _upsample_422(cells: np.ndarray) -> np.ndarray:
    rows, pairs, _ = cells.shape
    out = np.empty((rows, pairs * 2, 3), cells.dtype)
    out[:, 0::2, 0], out[:, 1::2, 0] = cells[..., 0], cells[..., 1]
    out[..., 1] = np.repeat(cells[..., 2], 2, axis=1)
    out[..., 2] = np.repeat(cells[..., 3], 2, axis=1)
    return out


def clean_bits(stored: np.ndarray, form: PixelFormat) -> np.ndarray:
    """Mask bits above Bits Stored and extend the sign (PS3.5 8.1.1); grey frames only."""
    if form.bits_allocated == 1 or stored.dtype.kind == "f":
        return stored
    shift = form.high_bit + 1 - form.bits_stored
    if form.bits_stored == form.bits_allocated and shift <= 0:
        return stored
    width = stored.dtype.itemsize * 8
    unsigned = stored.view(np.dtype(f"u{stored.dtype.itemsize}"))
    if shift > 0:
        unsigned = unsigned >> shift
    up = width - form.bits_stored
    if form.signed:
        lifted = np.left_shift(unsigned, up).view(np.dtype(f"i{stored.dtype.itemsize}"))
        return np.right_shift(lifted, up)
    mask = unsigned.dtype.type((1 << form.bits_stored) - 1)
    return np.bitwise_and(unsigned, mask)


def needs_cleaning(form: PixelFormat) -> bool:
    """Whether `clean_bits` can change anything."""
    return form.bits_allocated > 1 and (
        form.bits_stored != form.bits_allocated or form.high_bit + 1 != form.bits_stored
    )


def swap_pairs(raw: bytes) -> bytes:
    """Bytes of 16-bit words in the other order: cells of up to 8 bits stored as OW, big endian."""
    return np.frombuffer(raw, np.uint8).reshape(-1, 2)[:, ::-1].tobytes()


def to_rgb(colour: np.ndarray, photometric: str) -> np.ndarray:
    """RGB of 8-bit samples that are still in the file's colour space."""
    if photometric in ("YBR_FULL", "YBR_FULL_422"):
        return ybr_full_to_rgb(colour)
    if photometric in ("YBR_PARTIAL_422", "YBR_PARTIAL_420"):
        # luma 16 to 235, colour 16 to 240 (PS3.3 C.7.6.3.1.2, retired): widen, then as FULL
        full = colour.astype(np.float32)
        full[..., 0] = (full[..., 0] - 16) * (255 / 219)
        full[..., 1:] = (full[..., 1:] - 128) * (255 / 224) + 128
        return ybr_full_to_rgb(full)
    return colour


def ybr_full_to_rgb(ybr: np.ndarray) -> np.ndarray:
    """YBR_FULL to RGB, 8 bit (PS3.3 C.7.6.3.1.2)."""
    y, b, r = (ybr[..., i].astype(np.float32) for i in range(3))
    b, r = b - 128, r - 128
    rgb = np.stack([y + 1.402 * r, y - 0.344136 * b - 0.714136 * r, y + 1.772 * b], axis=-1)
    return np.clip(np.floor(rgb + 0.5), 0, 255).astype(np.uint8)


def to_eight_bits(colour: np.ndarray, form: PixelFormat) -> np.ndarray:
    """Colour samples are unsigned whatever the file declares (T39); wider ones lose low bits."""
    if colour.dtype.itemsize == 1:
        return colour.view(np.uint8)
    unsigned = colour.view(np.dtype(f"u{colour.dtype.itemsize}"))
    return (unsigned >> max(0, form.bits_stored - 8)).astype(np.uint8)
