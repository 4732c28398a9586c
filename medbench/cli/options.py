"""Arguments that several verbs share."""

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from medbench.base.errors import BadInputError, PasswordNeededError
from medbench.base.paths import default_workspace
from medbench.domain.image import ScanResult
from medbench.registry.workspace import Workspace

PASSWORD_VARIABLE = "MEDBENCH_ARCHIVE_PASSWORD"


def add_workspace(parser: argparse.ArgumentParser) -> None:
    """``--workspace DIR``."""
    parser.add_argument(
        "--workspace", type=Path, metavar="DIR", help="default: the user's workspace"
    )


def open_workspace(args: argparse.Namespace) -> Workspace:
    """The named workspace, or the user's."""
    return Workspace(args.workspace or default_workspace())


def add_opening(parser: argparse.ArgumentParser) -> None:
    """What verbs that open studies share."""
    parser.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help=f"password of an archive, first line; or set {PASSWORD_VARIABLE}",
    )
    parser.add_argument(
        "--workspace", type=Path, metavar="DIR", help="use (and fill) its index of known files"
    )


@contextmanager
def opened_studies(args: argparse.Namespace, paths: Sequence[Path]) -> Iterator[ScanResult]:
    """What lies below the paths, as long as the context lasts.

    Raises
    ------
    BadInputError
        A path does not exist, or an archive wants another password.
    """
    from medbench.session.operations.studies import opened

    try:
        with opened(paths, password=_password(args), workspace=args.workspace) as found:
            yield found
    except PasswordNeededError as error:
        raise BadInputError(f"{error} Give it with --password-file FILE.") from error


def _password(args: argparse.Namespace) -> str | None:
    """From the named file or the environment: never from the command line, which others see."""
    if args.password_file is None:
        return os.environ.get(PASSWORD_VARIABLE)
    try:
        lines = args.password_file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{args.password_file} cannot be read as a password file.") from error
    return lines[0] if lines else ""
