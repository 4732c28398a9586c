"""Studies that are open, their displays and thumbnails, and the volume that is shown."""

from collections import OrderedDict, deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from medbench.base.errors import BadInputError, PasswordNeededError
from medbench.base.ids import new_id
from medbench.dicom.decoding.pool import DecoderPool
from medbench.domain.image import DisplaySet, ScanResult, Study, Volume
from medbench.imaging.presentation import oriented
from medbench.imaging.resize import thumbnail
from medbench.imaging.window import default_voi, display_frame
from medbench.jobs.states import JobState
from medbench.session.job_list import JobList
from medbench.session.messages import Messages
from medbench.session.ports import Handle, Runner
from medbench.session.scratch import Scratch

if TYPE_CHECKING:
    from medbench.dicom.scan import HeaderCache

THUMBNAIL_PX = 96
KEPT_BYTES = 1 << 30


class LoaderPort(Protocol):
    """What the library needs of a volume loader."""

    opened: Any
    slices_ready: Any
    loaded: Any
    failed: Any

    def load(self, display: DisplaySet, first: int = 0) -> None: ...
    def focus(self, index: int) -> None: ...
    def drop(self) -> None: ...


def display_key(display: DisplaySet) -> str:
    """Unique among all studies, stable over openings (`DisplaySet.key`)."""
    return display.key


class Library(QObject):
    """Open studies.

    Signals
    -------
    changed
        Studies were added or closed.
    scan_started : list of Path
        Paths are about to be read.
    scan_finished : ScanResult
        A scan has ended.
    password_requested : Path, bool
        An archive needs its password (True: the one given was wrong); `give_password` goes on.
    thumbnail_ready : str, object
        Key of a display, uint8 (rows, columns[, 3]), or None when it cannot be shown.
    volume_opened, volume_loaded : DisplaySet, Volume
        The buffer exists; everything is in it.
    slices_ready : DisplaySet, tuple of int
        Slices that may be drawn.
    volume_failed : DisplaySet, str
        Nothing can be shown.
    """

    changed = Signal()
    scan_started = Signal(object)
    scan_finished = Signal(object)
    password_requested = Signal(object, bool)
    thumbnail_ready = Signal(str, object)
    volume_opened = Signal(object, object)
    slices_ready = Signal(object, object)
    volume_loaded = Signal(object, object)
    volume_failed = Signal(object, str)

    def __init__(
        self, runner: Runner, loader: LoaderPort, pool: DecoderPool, messages: Messages,
        jobs: JobList, parent: QObject | None = None,
        pictures: Path | None = None,
        scratch: Scratch | None = None, cache: "HeaderCache | None" = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._pictures = pictures or Path()
        self._scratch = scratch or Scratch(self._pictures / "unpacked")
        self._cache = cache
        self._wanted: list[Path] = []
        self._passwords: dict[Path, str | None] = {}
        self._waiting = False
        """Whether a scan waits for the answer of `password_requested`."""
        self._runner = runner
        self._loader = loader
        self._pool = pool
        self._messages = messages
        self._jobs = jobs
        self._studies: dict[str, Study] = {}
        self._skipped: list[Any] = []
        self._kept: OrderedDict[str, Volume] = OrderedDict()
        self._job_id = ""
        self._ticket = 0
        self._loading = ""
        self._queue: deque[tuple[DisplaySet, int]] = deque()
        loader.opened.connect(self._opened)
        loader.slices_ready.connect(self.slices_ready)
        loader.loaded.connect(self._loaded)
        loader.failed.connect(self._load_failed)

    @property
    def studies(self) -> tuple[Study, ...]:
        """Open studies, newest patient last."""
        return tuple(self._studies.values())

    @property
    def skipped(self) -> tuple[Any, ...]:
        """Files of the last scan that are not shown, with reasons."""
        return tuple(self._skipped)

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Scan files, folders and archives; what is found is added."""
        if self._waiting:
            self._cancel_scan()
        self._wanted = [Path(path) for path in paths]
        self._passwords = {}
        self.scan_started.emit(self._wanted)
        self._job_id = new_id("scan")
        self._jobs.add(self._job_id, self.tr("Reading headers"), self._cancel_scan)
        self._jobs.update(self._job_id, state=JobState.RUNNING)
        self._find()

    def give_password(self, archive: Path, password: str | None) -> None:
        """Answer of `password_requested`; None opens the rest without that archive."""
        if not self._waiting:  # cancelled meanwhile, or something else was opened
            return
        self._waiting = False
        self._passwords[archive] = password
        self._find()

    def is_unpacked(self, path: Path) -> bool:
        """Whether a file came out of an archive and goes when the program ends."""
        return self._scratch.holds(path)

    def _find(self) -> None:
        wanted, passwords = self._wanted, dict(self._passwords)

        def work(handle: Handle) -> ScanResult | PasswordNeededError:
            for path in wanted:
                if not path.exists():
                    raise BadInputError(f"{path.name} does not exist.")
            from medbench.formats.finding import Context, find

            def count(number: int) -> None:
                handle.progress(0.0, str(number))

            context = Context(
                self._scratch.folder(), self._pictures, self._pool, passwords, cache=self._cache,
                on_count=count, cancelled=handle.cancelled,
            )  # fmt: skip
            try:
                return find(wanted, context)
            except PasswordNeededError as error:
                return error

        self._ticket = self._runner.run(
            "scan", work, self._scanned, self._scan_failed, progress=self._scanning, newest=True
        )

    def _cancel_scan(self) -> None:
        if self._waiting:
            self._waiting = False
            self._scan_failed("")
            return
        self._runner.cancel(self._ticket)

    def _scanning(self, _fraction: float, text: str) -> None:
        self._jobs.update(self._job_id, place=self.tr("{0} files").format(text))

    def _scanned(self, result: ScanResult | PasswordNeededError) -> None:
        if isinstance(result, PasswordNeededError):
            self._waiting = True
            self._jobs.update(self._job_id, place=self.tr("Waits for a password"))
            self.password_requested.emit(result.path, result.wrong)
            return
        self._jobs.update(self._job_id, state=JobState.FINISHED, fraction=1.0)
        for study in result.studies:
            self._studies[study.study_instance_uid] = study
        self._skipped = list(result.skipped)
        series = sum(len(study.series) for study in result.studies)
        if result.studies:
            words = self.tr("Opened. Studies: {0}, series: {1}").format(len(result.studies), series)
            self._messages.success(words)
        if result.skipped:
            words = self.tr("{0} files cannot be shown").format(len(result.skipped))
            if result.studies:  # a bar above the pictures keeps the list: no need to shout
                self._messages.info(words)
            else:
                first = result.skipped[0]
                self._messages.warning(words, self.tr("The first: {0}").format(first.reason))
        elif not result.studies:
            self._messages.warning(self.tr("There is nothing to show in what you opened"))
        self.changed.emit()
        self.scan_finished.emit(result)

    def _scan_failed(self, sentence: str) -> None:
        state = JobState.FAILED if sentence else JobState.CANCELLED
        self._jobs.update(self._job_id, state=state, reason=sentence)
        if sentence:
            self._messages.error(sentence)

    def close_all(self) -> None:
        """Close every study."""
        self._queue.clear()
        self._loader.drop()
        self._studies.clear()
        self._skipped.clear()
        self._kept.clear()
        self._loading = ""
        self.changed.emit()

    # volumes

    def show(
        self, display: DisplaySet, first: int = 0, beside: Sequence[tuple[DisplaySet, int]] = ()
    ) -> None:
        """Load a display, or hand out a kept volume at once; then those that stand beside it.

        What was loading is dropped; where it is still wanted, name it in ``beside``.
        """
        self._queue = deque([(display, first), *beside])
        self._next()

    def _next(self) -> None:
        """Hand out what is kept; load the first that is not."""
        self._loading = ""
        self._loader.drop()
        while self._queue:
            display, first = self._queue.popleft()
            kept = self._kept.get(display_key(display))
            if kept is None:
                self._loading = display_key(display)
                self._loader.load(display, first)
                return
            self._kept.move_to_end(display_key(display))
            self.volume_opened.emit(display, kept)
            self.volume_loaded.emit(display, kept)

    def focus(self, display: DisplaySet, index: int) -> None:
        """Slice ``index`` of a display is looked at: while it loads, that one comes next."""
        if display_key(display) == self._loading:
            self._loader.focus(index)

    @Slot(object, object)
    def _opened(self, display: DisplaySet, volume: Volume) -> None:
        self.volume_opened.emit(display, volume)

    @Slot(object, object)
    def _loaded(self, display: DisplaySet, volume: Volume) -> None:
        self._kept[display_key(display)] = volume
        while len(self._kept) > 1 and self.kept_bytes > KEPT_BYTES:
            self._kept.popitem(last=False)
        self.volume_loaded.emit(display, volume)
        if display_key(display) == self._loading:
            self._next()

    @Slot(object, str)
    def _load_failed(self, display: DisplaySet, reason: str) -> None:
        self.volume_failed.emit(display, reason)
        if display_key(display) == self._loading:
            self._next()

    def kept(self, display: DisplaySet) -> Volume | None:
        """The whole volume of a display while it is in memory."""
        return self._kept.get(display_key(display))

    @property
    def kept_bytes(self) -> int:
        """Memory of volumes that are kept for a second look."""
        return sum(volume.voxels.nbytes for volume in self._kept.values())

    # thumbnails

    def request_thumbnail(self, display: DisplaySet) -> None:
        """Make a thumbnail of the middle frame; answers with `thumbnail_ready`."""
        key = display_key(display)

        def work(handle: Handle) -> tuple[str, np.ndarray[Any, Any] | None]:
            from medbench.formats.opening import open_display  # brings pydicom; not for the start

            if display.kind.without_pictures:
                return key, None
            with open_display(display, self._pool) as reader:
                index = display.slices // 2
                values, info = reader.read(index), reader.info(index)
            voi = None if values.ndim == 3 else default_voi(values, info)
            grey = display_frame(values, info, voi)
            upright = oriented(grey, info.rotation_deg, flip_horizontal=info.flip_horizontal)
            return key, thumbnail(upright, THUMBNAIL_PX, THUMBNAIL_PX)

        def failed(_sentence: str) -> None:
            self.thumbnail_ready.emit(key, None)

        self._runner.run(f"thumbnail {key}", work, self._thumbnail, failed)

    def _thumbnail(self, answer: tuple[str, np.ndarray[Any, Any] | None]) -> None:
        self.thumbnail_ready.emit(*answer)
