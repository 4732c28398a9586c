"""A decoder process: reads requests from a socket, decodes frames, answers, repeats.

Started as ``python -m medbench.dicom.decoding.worker FD``; ends when the socket does. Requests are
JSON bytes. One frame or picture is answered with JSON bytes and, when it went well, the array's
bytes. Several frames come with the descriptor of a volume: each is written at its place there,
and the one answer says of each how it went.
"""

import json
import os
import socket
import sys
import time
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from medbench.base.errors import MedbenchError
from medbench.dicom.decoding.codecs import decode_frame, decode_picture
from medbench.dicom.modality import fitted
from medbench.dicom.pixels import PixelFormat
from medbench.dicom.voi import Rescale

MAX_REQUEST_BYTES = 64 << 20
MEMORY_BYTES = 2 << 30
RECYCLE_FRAMES = 2000
RECYCLE_PEAK_KIB = 1 << 20


def limit_process() -> None:
    """Cap memory and files, forbid core dumps (a core file holds the picture)."""
    try:
        import resource
    except ImportError:  # Windows: the parent's deadline is what is left
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    allow_writing(0)


def allow_writing(size_bytes: int) -> None:
    """How long a file this process may make: nothing, or the volume it was given."""
    try:
        import resource
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if hard != resource.RLIM_INFINITY:
        size_bytes = min(size_bytes, hard)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))


def read_fragments(path: str, ranges: list[list[int]]) -> bytes:
    """Concatenate byte ranges of a file."""
    parts = []
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        for offset, length in ranges:
            part = os.pread(fd, length, offset)
            if len(part) < length:
                raise OSError("the file became shorter while it was read")
            parts.append(part)
    finally:
        os.close(fd)
    return b"".join(parts)


def serve(wire: socket.socket, link: Connection) -> None:
    """Answer requests until the socket ends."""
    link.send_bytes(b'{"ready": true}')
    hook = os.environ.get("MEDBENCH_DECODER_FAULT", "")
    served = 0
    while True:
        try:
            request: dict[str, Any] = json.loads(link.recv_bytes(MAX_REQUEST_BYTES))
        except EOFError:
            return
        if request["kind"] == "frames":
            served += len(request["frames"])
            answers = _place_all(wire, request, hook)
            link.send_bytes(json.dumps({"frames": answers, "last": _worn_out(served)}).encode())
            continue
        served += 1
        _inject_fault(hook, request["path"])
        array = _attempt(_decode_one, request)
        if isinstance(array, str):
            link.send_bytes(json.dumps({"error": array, "last": _worn_out(served)}).encode())
            continue
        head = {"shape": array.shape, "dtype": array.dtype.str, "last": _worn_out(served)}
        link.send_bytes(json.dumps(head).encode())
        link.send_bytes(np.ascontiguousarray(array).data.cast("B"))


def _attempt(work: Any, *arguments: Any) -> Any:
    """What ``work`` returns, or why it failed as text."""
    try:
        return work(*arguments)
    except (MedbenchError, OSError) as error:
        return str(error)
    except MemoryError:
        return f"the picture needs more memory than the {MEMORY_BYTES >> 30} GiB of a decoder"
    except Exception as error:  # noqa: BLE001  (codecs raise types of their own)
        return f"the compressed picture is damaged ({error})"[:300]


def _decode_one(request: dict[str, Any]) -> np.ndarray:
    if request["kind"] == "picture":
        return decode_picture(request["path"])
    if request["kind"] == "pdf":
        from medbench.dicom.decoding.documents import answer_pdf  # PDFium, only where needed

        return answer_pdf(request, read_fragments)
    data = read_fragments(request["path"], request["ranges"])
    return decode_frame(data, PixelFormat(**request["format"]))


def _place_all(wire: socket.socket, request: dict[str, Any], hook: str) -> list[Any]:
    """Decode frames into the volume whose descriptor follows the request.

    Of each frame: None, a reason, or False where its values need wider cells than the volume has.
    """
    _, descriptors, _, _ = socket.recv_fds(wire, 1, 1)
    if not descriptors:
        return ["the volume did not arrive"] * len(request["frames"])
    volume = descriptors[0]
    forms = [PixelFormat(**form) for form in request["formats"]]
    dtype, size = np.dtype(request["dtype"]), request["slice_bytes"]
    answers = []
    try:
        allow_writing(os.fstat(volume).st_size)
        for path, ranges, form, slope, intercept, place in request["frames"]:
            _inject_fault(hook, path)
            rescale = Rescale(slope, intercept)
            answers.append(
                _attempt(_place, volume, path, ranges, forms[form], rescale, dtype, size, place)
            )
    finally:
        allow_writing(0)
        os.close(volume)
    return answers


def _place(
    volume: int, path: str, ranges: list[list[int]], form: PixelFormat, rescale: Rescale,
    dtype: np.dtype[Any], size: int, place: int,
) -> bool | None:  # fmt: skip
    stored = decode_frame(read_fragments(path, ranges), form)
    values = stored if form.colour else fitted(stored, rescale, dtype)
    if values is None or values.dtype != dtype or values.nbytes != size:
        return False
    left = np.ascontiguousarray(values).data.cast("B")
    while left:
        done = os.pwrite(volume, left, place)
        left, place = left[done:], place + done
    return None


def _worn_out(served: int) -> bool:
    """Whether to be replaced: enough frames, or memory that may not have come back."""
    if served >= RECYCLE_FRAMES:
        return True
    try:
        import resource
    except ImportError:
        return False
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > RECYCLE_PEAK_KIB


def _inject_fault(hook: str, path: str) -> None:
    """Test hook: ``crash:NAME`` or ``hang:NAME`` acts when a file of that name is asked for."""
    if hook and path.endswith(hook.partition(":")[2]):
        if hook.startswith("crash:"):
            os.abort()
        time.sleep(3600)


def main() -> None:
    """Take the socket's descriptor from the command line and serve."""
    limit_process()
    with (
        socket.socket(fileno=int(sys.argv[1])) as wire,
        Connection(os.dup(wire.fileno())) as link,
    ):
        serve(wire, link)


if __name__ == "__main__":
    main()
