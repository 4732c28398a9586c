"""The command line: ``medbench <verb> ...``; without a verb the window opens.

JSON on stdout with ``--json``, progress on stderr. Exit code 0 done, 1 job failed, 2 bad input
with one clear sentence.
"""

import argparse
import importlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import medbench
from medbench.base.errors import BadInputError, MedbenchError
from medbench.base.logs import start_logging

VERBS = (
    "scan",
    "array",
    "render",
    "render3d",
    "tags",
    "measure",
    "ecg",
    "cohort",
    "train",
    "evaluate",
    "predict",
    "findings",
    "readings",
    "export",
    "models",
    "register",
    "hanging",
    "tour",
    "bench",
)
"""One module of `medbench.cli.verbs` each."""


class _Parser(argparse.ArgumentParser):
    """Raises instead of printing the usage block: one clear sentence is the rule."""

    def error(self, message: str) -> Any:
        raise BadInputError(f"{message[:1].upper()}{message[1:]}. Try: {self.prog} --help")


def build_parser(verbs: Sequence[str] = VERBS) -> argparse.ArgumentParser:
    """Parser of the given verbs; each verb module adds its own part."""
    parser = _Parser(prog="medbench", description="Offline workbench for clinical diagnosis.")
    parser.add_argument("--version", action="version", version=f"medbench {medbench.__version__}")
    subparsers = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=_Parser)
    for verb in verbs:
        importlib.import_module(f"medbench.cli.verbs.{verb}").add(subparsers)
    return parser


def _run_verb(arguments: list[str]) -> int:
    verb = arguments[0]
    parser = build_parser((verb,) if verb in VERBS else VERBS)
    args = parser.parse_args(arguments)
    module = importlib.import_module(f"medbench.cli.verbs.{args.verb}")
    result = module.run(args)
    if getattr(args, "json", False) or not hasattr(module, "text"):
        print(json.dumps(result, indent=None, ensure_ascii=False, allow_nan=False))
    else:
        print(module.text(result))
    return int(result.get("exit_code", 0)) if isinstance(result, dict) else 0


def _open_window(arguments: list[str]) -> int:
    parser = _Parser(prog="medbench", description="Open the window.")
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH")
    parser.add_argument("--workspace", type=Path, help="workspace folder")
    args = parser.parse_args(arguments)
    for path in args.paths:
        if not path.exists():
            raise BadInputError(
                f"{path} is neither a file or folder nor a command. Try: medbench --help"
            )
    from medbench.cli.handover import open_window

    return open_window(args.paths, args.workspace)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    start_logging()
    try:
        first = arguments[0] if arguments else ""
        if first in VERBS or first in ("-h", "--help", "--version"):
            return _run_verb(arguments)
        return _open_window(arguments)
    except MedbenchError as error:
        print(f"medbench: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("medbench: stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # the reader of stdout went away; keep the interpreter from complaining at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        name = Path(error.filename).name if isinstance(error.filename, str) else ""
        what = f"{name}: " if name else ""
        print(f"medbench: {what}{error.strerror or error}.", file=sys.stderr)
        return 2
