"""A decoder process: reads requests from a pipe, decodes one frame, answers, repeats.

Started as ``python -m medbench.dicom.decoding.worker FD``; ends when the pipe does. Requests are
JSON bytes; the answer is JSON bytes and, when it went well, the array's bytes.
"""

import json
import os
import sys
import time
from multiprocessing.connection import Connection
from typing import Any

MAX_REQUEST_BYTES = 64 << 20
MEMORY_BYTES = 2 << 30
_RECYCLE_FRAMES = 2000


def limit_process() -> None:
    """Cap memory and files, forbid core dumps (a core file holds the picture)."""
    try:
        import resource
    except ImportError:  # Windows: the parent's deadline is what is left
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


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


def serve(link: Connection) -> None:
    """Answer requests until the pipe ends."""
    from medbench.base.errors import MedbenchError
    from medbench.dicom.decoding.codecs import decode_frame, decode_picture
    from medbench.dicom.pixels import PixelFormat

    link.send_bytes(b'{"ready": true}')
    hook = os.environ.get("MEDBENCH_DECODER_FAULT", "")
    for _ in range(_RECYCLE_FRAMES):
        try:
            request: dict[str, Any] = json.loads(link.recv_bytes(MAX_REQUEST_BYTES))
        except EOFError:
            return
        _inject_fault(hook, request)
        try:
            if request["kind"] == "picture":
                array = decode_picture(request["path"])
            else:
                data = read_fragments(request["path"], request["ranges"])
                array = decode_frame(data, PixelFormat(**request["format"]))
        except (MedbenchError, OSError) as error:
            link.send_bytes(json.dumps({"error": str(error)}).encode())
            continue
        except Exception as error:  # noqa: BLE001  (codecs raise types of their own)
            text = f"{type(error).__name__}: {error}"
            link.send_bytes(json.dumps({"error": text[:300]}).encode())
            continue
        head = {"shape": array.shape, "dtype": array.dtype.str}
        link.send_bytes(json.dumps(head).encode())
        link.send_bytes(memoryview(array.tobytes()))


def _inject_fault(hook: str, request: dict[str, Any]) -> None:
    """Test hook: ``crash:NAME`` or ``hang:NAME`` acts when a file of that name is asked for."""
    if hook and request["path"].endswith(hook.partition(":")[2]):
        if hook.startswith("crash:"):
            os.abort()
        time.sleep(3600)


def main() -> None:
    """Take the pipe's descriptor from the command line and serve."""
    limit_process()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    with Connection(int(sys.argv[1])) as link:
        serve(link)


if __name__ == "__main__":
    main()
