"""G3: crafted bombs end within 2 s and 700 MB, decoders included.

Control: pydicom alone inflates 1 MB to 1 GiB.
"""

import time

from tests.campaigns.bombs import MAKERS, deflate_bomb
from tests.campaigns.harness import Answer, Child, Result, command_line
from tests.campaigns.seeds import made_files

MAX_SECONDS = 2.0
MAX_MIB = 700.0


def run(
    seconds: float, seed: int, control: bool = False, *, names: tuple[str, ...] = (),
    max_seconds: float = MAX_SECONDS,
) -> Result:  # fmt: skip
    """All bombs, or those named; each time in a warm child whose memory peak starts anew."""
    result = Result("G3 bombs", seed, control)
    begin, worst = time.monotonic(), {}
    with Child("plain" if control else "app", limit_s=min(seconds, 4) if control else 30) as child:
        if control:
            path = child.file("bomb.dcm", deflate_bomb())
            _judge(result, "deflate bomb in pydicom", child.open(path))
            return result
        child.open(child.file("warm.dcm", made_files()["made_j2k"]))
        for name in names or tuple(MAKERS):
            if time.monotonic() - begin > seconds:
                break
            path = MAKERS[name](child.folder)
            answer = child.open(path)
            path.unlink()
            worst[name] = _judge(result, name, answer, max_seconds)
    result.figures = {
        "bombs": len(worst),
        "slowest_s": max(w["seconds"] for w in worst.values()),
        "largest_mib": max(w["mib"] for w in worst.values()),
        "each": worst,
    }
    return result


def _judge(
    result: Result, name: str, answer: Answer, max_seconds: float = MAX_SECONDS
) -> dict[str, object]:
    mib = round(answer.app_mib + answer.decoder_mib, 1)
    if answer.outcome in ("death", "hang", "untyped"):
        result.failures.append(f"{name}: {answer.outcome}: {answer.detail}")
    if min(answer.seconds, answer.cpu_s or answer.seconds) > max_seconds:  # not a busy machine
        result.failures.append(f"{name}: {answer.seconds} s: {answer.detail}")
    if mib > MAX_MIB:
        result.failures.append(f"{name}: {mib} MiB: {answer.detail}")
    return {"seconds": answer.seconds, "mib": mib, "said": answer.detail[:120] or answer.outcome}


if __name__ == "__main__":
    command_line(run, __doc__ or "")
