"""Typed errors: one clear sentence each, saying what, where and what to do.

::

    MedbenchError                 anything medbench raises on purpose
    +- BadInputError              the user's input cannot be used        (command line: exit 2)
    |  +- NotDicomError           the file is no DICOM object
    |  +- IncompleteError         bytes are missing: never shown as whole
    |  +- PasswordNeededError     an archive opens with its password only
    |  +- LeakageError            the split lets the model see its own test
    +- JobFailedError             a job ran and failed                   (command line: exit 1)
    |  +- DecodeError             a frame could not be decoded
    |  +- EngineError             the engine could not start or died
    +- IntegrityError             stored bytes differ from their hash    (command line: exit 2)
    +- CancelledError             the user said stop                     (command line: exit 1)
"""

from pathlib import Path


class MedbenchError(Exception):
    """Anything medbench raises on purpose; ``str(error)`` is fit for the user."""

    exit_code = 1


class BadInputError(MedbenchError):
    """The user's input cannot be used as it is."""

    exit_code = 2


class NotDicomError(BadInputError):
    """The file is no DICOM object."""


class IncompleteError(BadInputError):
    """Bytes are missing: the object must not be shown as whole."""


class PasswordNeededError(BadInputError):
    """An archive opens with its password only; ``wrong`` = the one given was not it."""

    def __init__(self, path: Path, *, wrong: bool) -> None:
        what = "the password is wrong" if wrong else "it needs its password"
        super().__init__(f"{path.name} cannot be opened: {what}.")
        self.path = path
        self.wrong = wrong


class LeakageError(BadInputError):
    """The split lets a model see its own test cases."""


class JobFailedError(MedbenchError):
    """A job ran and failed."""


class DecodeError(JobFailedError):
    """A frame could not be decoded."""


class EngineError(JobFailedError):
    """The engine process could not start, or died."""


class IntegrityError(MedbenchError):
    """Stored bytes differ from the hash that was recorded for them."""

    exit_code = 2


class CancelledError(MedbenchError):
    """The user said stop."""
