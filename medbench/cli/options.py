"""Arguments that several verbs share."""

import argparse
from pathlib import Path

from medbench.base.paths import default_workspace
from medbench.registry.workspace import Workspace


def add_workspace(parser: argparse.ArgumentParser) -> None:
    """``--workspace DIR``."""
    parser.add_argument(
        "--workspace", type=Path, metavar="DIR", help="default: the user's workspace"
    )


def open_workspace(args: argparse.Namespace) -> Workspace:
    """The named workspace, or the user's."""
    return Workspace(args.workspace or default_workspace())
