"""DICOM objects out of the window, and measurements of reports back into it."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QFileDialog

from medbench.base.atomic import atomic_write
from medbench.base.errors import BadInputError
from medbench.domain.image import Study
from medbench.domain.key_image import KeyImage
from medbench.domain.measurement import Measurement
from medbench.domain.segment_edit import EditedSegmentation
from medbench.imaging.reslice import PlaneKind
from medbench.session.operations import exports
from medbench.session.ports import Handle
from medbench.ui.review.export.frames import draw_frame, recipe_of
from medbench.ui.review.export.pictures import png_bytes
from medbench.ui.review.export.states import shown_pictures, visible_area

if TYPE_CHECKING:
    from medbench.ui.review.export.desk import ExportDesk

_KEY_PX = 1024
_REPORTS = "1.2.840.10008.5.1.4.1.1.88."


class ObjectExports(QObject):
    """Structured reports, segmentations, presentation states, key objects."""

    def __init__(self, desk: "ExportDesk") -> None:
        super().__init__(desk)
        self._desk = desk
        self._session = desk.session
        self._waiting: tuple[Study, EditedSegmentation, Path] | None = None
        self._session.segments.opened.connect(self._opened)

    def _ask(self, title: str, kind: str) -> Path | None:
        return self._desk.ask_target(title, kind, ".dcm", self.tr("DICOM (*.dcm)"))

    def _study(self) -> Study | None:
        study = self._desk.study
        if study is None:
            self._session.messages.info(self.tr("Open a series first"))
        return study

    # measurements

    def export_sr(self) -> None:
        """Save the measurements of the study as a structured report."""
        study = self._study()
        if study is None:
            return
        measurements = self._desk.measurements(study)
        if not measurements:
            self._session.messages.info(self.tr("Nothing is measured in this study yet"))
            return
        title = self.tr("Measurements as DICOM SR")
        target = self._ask(title, "measurements")
        if target is None:
            return
        reader = self._desk.reader

        def work(_handle: Handle) -> tuple[int, tuple[str, ...]]:
            return exports.write_sr(target, study, measurements, reader)

        self._desk.exporter.save(title, target, work, self._left_out)

    def _left_out(self, answer: tuple[int, tuple[str, ...]]) -> None:
        _, reasons = answer
        if reasons:
            self._session.messages.warning(
                self.tr("Measurements left out of the report: {0}").format(len(reasons)),
                reasons[0][:1].upper() + reasons[0][1:],
            )

    def import_sr(self) -> None:
        """Take measurements of the shown report, or of a file, onto the open images."""
        if (report := self._shown_report()) is not None:
            self.read_sr(report)
            return
        chosen, _ = QFileDialog.getOpenFileName(
            self._desk.page, self.tr("Read measurements from a DICOM SR"), str(Path.home()),
            self.tr("DICOM (*.dcm);;All files (*)"),
        )  # fmt: skip
        if chosen:
            self.read_sr(Path(chosen))

    def _shown_report(self) -> Path | None:
        shown = self._desk.page.model.display
        if shown is None or not shown.sop_class_uid.startswith(_REPORTS):
            return None
        return shown.frames[0].path

    def read_sr(self, path: Path) -> None:
        """Read a report, and take its measurements into the reading book."""
        studies = self._session.library.studies

        def work(_handle: Handle) -> tuple[list[Measurement], int, int]:
            return exports.read_report(path, studies)

        self._desk.exporter.read(
            self.tr("Reading a report"), work, self._read,
            self.tr("{0} cannot be read as a report").format(path.name),
        )  # fmt: skip

    def _read(self, answer: tuple[list[Measurement], int, int]) -> None:
        found, without_images, segments = answer
        readings, taken = self._session.readings, 0
        with readings.together(self.tr("Read report")):
            for measurement in found:
                before = readings.get(Measurement, measurement.measurement_id)
                if before is None:
                    readings.put(measurement, self.tr("Read report"))
                    taken += 1
        messages = self._session.messages
        if taken:
            messages.success(self.tr("Measurements read from the report: {0}").format(taken))
        elif found:
            messages.info(self.tr("The measurements of this report are here already"))
        pictures = [m.site for m in found if m.site.sop_instance_uid]
        if pictures and self._shown_report() is not None:  # from the words to the picture
            self._desk.page.show_instance(pictures[0].sop_instance_uid, pictures[0].frame)
        if without_images:
            messages.warning(
                self.tr("Measurements on pictures that are not open: {0}").format(without_images),
                self.tr("Open their series and read the report again."),
            )
        if segments and not found:
            messages.info(
                self.tr("The report measures segments only; it is shown among the documents")
            )
        if not (found or without_images or segments):
            messages.info(self.tr("The report measures nothing that lies on pictures"))

    # segments

    def export_seg(self) -> None:
        """Save the segmentation drawn over the active display."""
        study = self._study()
        if study is None:
            return
        segmentation = self._segmentation(study)
        if segmentation is None:
            self._session.messages.info(self.tr("Nothing is outlined in this study yet"))
            return
        target = self._ask(self.tr("Segments as DICOM SEG"), "segments")
        if target is None:
            return
        if self._session.segments.labels(segmentation.segmentation_id) is None:
            self._waiting = (study, segmentation, target)
            self._session.segments.open(segmentation.segmentation_id)
        else:
            self._write_seg(study, segmentation, target)

    def _segmentation(self, study: Study) -> EditedSegmentation | None:
        """The one on the active display; else the last of the study."""
        found = self._session.segments.of(study.study_instance_uid)
        key = self._desk.page.model.key
        here = [s for s in found if s.display_key == key]
        return here[-1] if here else found[-1] if found else None

    @Slot(str)
    def _opened(self, segmentation_id: str) -> None:
        if self._waiting is not None and self._waiting[1].segmentation_id == segmentation_id:
            study, segmentation, target = self._waiting
            self._waiting = None
            self._write_seg(study, segmentation, target)

    def _write_seg(self, study: Study, segmentation: EditedSegmentation, target: Path) -> None:
        try:
            shot = self._session.segments.snapshot(segmentation.segmentation_id)
        except BadInputError as error:
            words = self.tr("{0} was not saved").format(target.name)
            self._session.messages.error(words, str(error))
            return
        reader = self._desk.reader

        def work(handle: Handle) -> int:
            return exports.write_seg(
                target, study, shot.segmentation, shot.labels, reader, handle.cancelled
            )

        self._desk.exporter.save(self.tr("Segments as DICOM SEG"), target, work)

    # presentation

    def export_gsps(self) -> None:
        """Save how the active display is shown."""
        study, view = self._study(), self._desk.page.active
        if study is None:
            return
        if view.kind is not PlaneKind.ACQUIRED:
            self._session.messages.info(
                self.tr("Presentation states are for pictures as acquired; choose that view")
            )
            return
        try:
            recipe = recipe_of(view, simulated=study.simulated)
        except BadInputError as error:
            self._session.messages.info(str(error))
            return
        title = self.tr("Presentation as DICOM GSPS")
        target = self._ask(title, "presentation")
        if target is None:
            return
        measurements, words = self._desk.measurements(study), self._desk.words(study)
        area, display = visible_area(view), recipe.volume.display
        reader = self._desk.reader

        def work(_handle: Handle) -> list[Path]:
            drawn = exports.drawings(measurements, words)
            ready = replace(recipe, graphics=drawn)
            shown = shown_pictures(ready, area, exports.pixel_size_mm(display))
            return exports.write_state(target, study, shown, reader)

        self._desk.exporter.save(title, target, work)

    # key images

    def export_keys(self) -> None:
        """Save the key images of the study: a key object selection, and PNGs of what is loaded."""
        study = self._study()
        if study is None:
            return
        keys = self._desk.keys.of_study(study.study_instance_uid)
        if not keys:
            self._session.messages.info(
                self.tr("This study has no key images yet; K marks the shown picture")
            )
            return
        title = self.tr("Key images as DICOM and PNG")
        target = self._ask(title, "key-images")
        if target is None:
            return
        self.write_keys(study, keys, target)

    def write_keys(self, study: Study, keys: tuple[KeyImage, ...], target: Path) -> None:
        """Write ``target``, and ``<target>-1.png`` ... beside it for frames that are loaded."""
        patient = self._desk.patient_lines(study) if self._desk.with_patient else ()
        drawable = []
        for screen in self._desk.page.showing.every_screen():
            display, volume = screen.display, screen.model.volume
            if display is None or volume is None or not volume.ready.any():
                continue
            if display.study_instance_uid != study.study_instance_uid:
                continue
            places = {(r.sop_instance_uid, r.frame): i for i, r in enumerate(display.frames)}
            recipe = recipe_of(screen.stack, patient, simulated=study.simulated)
            drawable += [
                (key.record_id, recipe, places[key.sop_instance_uid, key.frame])
                for key in keys if (key.sop_instance_uid, key.frame) in places
            ]  # fmt: skip
        measurements, words = self._desk.measurements(study), self._desk.words(study)
        reader = self._desk.reader

        def work(handle: Handle) -> int:
            exports.write_keys(target, study, keys, reader)
            drawn = exports.drawings(measurements, words)
            seen: set[str] = set()
            for record, recipe, index in drawable:
                if record in seen or not recipe.volume.ready[index]:
                    continue
                seen.add(record)
                picture = draw_frame(replace(recipe, graphics=drawn), index, _KEY_PX)
                name = f"{target.stem}-{len(seen)}.png"
                atomic_write(target.with_name(name), png_bytes(picture))
                handle.progress(len(seen) / len(keys), name)
            return len(seen)

        def told(drawn: int) -> None:
            if drawn < len(keys):
                self._session.messages.info(
                    self.tr("{0} of {1} key images are loaded and were saved as PNG too").format(
                        drawn, len(keys)
                    )
                )

        self._desk.exporter.save(self.tr("Key images as DICOM and PNG"), target, work, told)
