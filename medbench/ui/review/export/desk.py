"""Export in Review: what leaves the window, and reports that come back."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QRectF, Slot
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtWidgets import QDialog, QFileDialog, QWidget

from medbench.base.atomic import atomic_write
from medbench.base.errors import BadInputError
from medbench.domain.finding import AiResult
from medbench.domain.image import Study
from medbench.domain.key_image import KeyImage
from medbench.domain.measurement import Measurement
from medbench.session.operations import exports
from medbench.session.ports import Handle
from medbench.ui.review.annotations import date_text
from medbench.ui.review.commands import register_rows
from medbench.ui.review.export.cine import CineChoice, CineDialog, write_cine
from medbench.ui.review.export.frames import recipe_of
from medbench.ui.review.export.key_images import KeyImages, StarLayer
from medbench.ui.review.export.objects import ObjectExports
from medbench.ui.review.export.page import PageContent, paint_page, write_pdf
from medbench.ui.review.export.pictures import (
    joined,
    patient_shown,
    picture_of,
    png_bytes,
    stamped,
)
from medbench.ui.review.export.states import fit_area
from medbench.ui.review.feature import Feature, ToolButtonSpec
from medbench.ui.review.measure.words import label_lines, main_number, place_words, title_of

if TYPE_CHECKING:
    from medbench.ui.review.workspace import ReviewWorkspace

_VARIANTS = (
    "export_png", "export_all_png", "copy_picture", "export_cine", "export_pdf", "print_page",
    "export_csv", "export_sr", "segmentation_nifti", "export_seg", "export_gsps", "export_keys",
    "import_sr", "toggle_key", "export_with_patient",
)  # fmt: skip
_SWITCHES = frozenset({"export_with_patient"})


class ExportDesk(Feature):
    """Commands of the export menu."""

    order = 90

    def __init__(self, page: "ReviewWorkspace") -> None:
        super().__init__(page)
        self.exporter = self.session.exports
        self.keys = KeyImages(self.session, self)
        page.toolbox.add_layer(StarLayer(self.keys, self))
        self.with_patient = False
        """Whether pictures and pages name the patient."""
        self.objects = ObjectExports(self)
        self._folder = Path.home()
        self._fitted: dict[int, Any] = {}
        self.keys.changed.connect(self._redraw)
        self.session.library.changed.connect(self._star)
        page.showing.screen_made.connect(self._watch)
        for screen in page.showing.every_screen():
            self._watch(screen)
        self._register()

    def _register(self) -> None:
        area, objects = self.tr("Export"), self.objects
        rows = [
            (self.export_png, self.tr("Export picture"), area, "Ctrl+Shift+E", "image-down",
             self.tr("Save the active view as PNG, with a research-use stamp")),
            (self.export_all_png, self.tr("All views as PNG"), area, "", "image-down",
             self.tr("Save the whole layout as one picture")),
            (self.copy_picture, self.tr("Copy picture"), area, "", "copy",
             self.tr("Put the active view on the clipboard")),
            (self.export_cine, self.tr("Cine as GIF or PNG sequence"), area, "", "film", ""),
            (self.export_pdf, self.tr("Page as PDF"), area, "", "file",
             self.tr("Pictures, measurements and report text on one page")),
            (self.print_page, self.tr("Print page"), area, "Ctrl+P", "printer", ""),
            (objects.export_sr, self.tr("Measurements as DICOM SR"), area, "", "download",
             self.tr("Structured report, TID 1500, in a new series of the study")),
            (objects.export_seg, self.tr("Segments as DICOM SEG"), area, "", "download", ""),
            (objects.export_gsps, self.tr("Presentation as DICOM GSPS"), area, "", "download",
             self.tr("Window, turn, zoom, shutter and marks as a presentation state")),
            (objects.export_keys, self.tr("Key images as DICOM and PNG"), area, "", "star",
             self.tr("A key object selection, and each key image as PNG")),
            (objects.import_sr, self.tr("Read measurements from a DICOM SR"), area, "",
             "import", ""),
            (self.toggle_key, self.tr("Key image"), area, "K", "star",
             self.tr("Mark this picture as a key image, or unmark it")),
            (self.export_with_patient, self.tr("Name the patient on exports"), area, "", "user",
             self.tr("Pictures, cine and pages carry the patient's name; off by default")),
        ]  # fmt: skip
        register_rows(self.page, rows, _SWITCHES)

    def buttons(self) -> tuple[ToolButtonSpec, ...]:
        return (ToolButtonSpec("export_png", "download", _VARIANTS, rank=7),)

    # what is shown

    @property
    def study(self) -> Study | None:
        """The study of the active display."""
        display = self.page.model.display
        return None if display is None else self.page.study_of(display)

    @property
    def reader(self) -> str:
        """Who reads."""
        return self.session.settings.value.reader

    def _simulated(self) -> bool:
        study = self.study
        return study is not None and study.simulated

    def _kind(self) -> str:
        """First part of a suggested name: the modality, which is nobody's name."""
        display = self.page.model.display
        words = "" if display is None else display.modality.lower()
        return "".join(c for c in words if c.isascii() and c.isalnum()) or "picture"

    def _ready(self) -> bool:
        if self.study is None or self.page.model.volume is None:
            self.session.messages.info(self.tr("Open a series first"))
            return False
        return True

    def ask_target(self, title: str, kind: str, suffix: str, filters: str) -> Path | None:
        """Ask where to; the suggested name says what and when, never who."""
        folder = self._folder if self._folder.is_dir() else Path.home()
        name = str(folder / exports.suggested_name(kind, suffix))
        chosen, _ = QFileDialog.getSaveFileName(self.page, title, name, filters)
        if not chosen:
            return None
        target = Path(chosen)
        if suffix and not target.suffix:
            target = target.with_name(target.name + suffix)
        self._folder = target.parent
        return target

    # pictures

    def picture(self) -> QImage:
        """The active view, stamped."""
        widget: QWidget = self.page.showing.active
        with patient_shown([self.page.model], shown=self.with_patient):
            return stamped(picture_of(widget), simulated=self._simulated())

    def wall_picture(self, *, stamp: bool = True) -> QImage:
        """Every view of the layout as one picture."""
        models = [screen.model for screen in self.page.showing.every_screen()]
        with patient_shown(models, shown=self.with_patient):
            pictures = [picture_of(widget) for widget in self.page.wall.shown]
        whole = joined(pictures, max(1, self.page.wall.columns))
        return stamped(whole, simulated=self._simulated()) if stamp else whole

    def export_png(self) -> None:
        """Save the active view."""
        if self._ready():
            self._save_picture(self.tr("Picture as PNG"), self._kind(), self.picture())

    def export_all_png(self) -> None:
        """Save all views of the layout."""
        if self._ready():
            kind = f"{self._kind()}-layout"
            self._save_picture(self.tr("All views as PNG"), kind, self.wall_picture())

    def _save_picture(self, title: str, kind: str, picture: QImage) -> None:
        target = self.ask_target(title, kind, ".png", self.tr("PNG (*.png)"))
        if target is None:
            return

        def work(_handle: Handle) -> None:
            atomic_write(target, png_bytes(picture))

        self.exporter.save(title, target, work)

    def copy_picture(self) -> None:
        """Put the active view on the clipboard."""
        if self._ready():
            QGuiApplication.clipboard().setImage(self.picture())
            self.session.messages.success(self.tr("Picture copied"))

    def export_with_patient(self) -> None:
        """Name the patient on pictures and pages, or not."""
        self.with_patient = not self.with_patient
        action = self.page.actions_registry.action("medbench.review.export_with_patient")
        action.setChecked(self.with_patient)

    # cine

    def ask_cine(self, count: int, times_s: tuple[float, ...]) -> CineChoice | None:
        """Ask for frames, rate, size and format."""
        dialog = CineDialog(count, times_s, parent=self.page)
        accepted = dialog.exec() == QDialog.DialogCode.Accepted
        choice = dialog.choice
        dialog.deleteLater()
        return choice if accepted else None

    def export_cine(self) -> None:
        """Save the frames of the active view."""
        if not self._ready():
            return
        view, study = self.page.active, self.study
        assert study is not None
        display = view.model.display
        choice = self.ask_cine(view.count, () if display is None else display.times_s)
        if choice is None:
            return
        title = self.tr("Cine")
        filters = self.tr("GIF (*.gif)") if choice.gif else self.tr("Folder of PNG files (*)")
        suffix = ".gif" if choice.gif else ""
        target = self.ask_target(title, f"{self._kind()}-cine", suffix, filters)
        if target is None:
            return
        patient = self.patient_lines(study) if self.with_patient else ()
        measurements, words = self.measurements(study), self.words(study)
        try:
            recipe = recipe_of(view, patient, simulated=study.simulated)
        except BadInputError as error:
            self.session.messages.error(
                self.tr("{0} was not saved").format(target.name), str(error)
            )
            return

        def work(handle: Handle) -> int:
            drawn = exports.drawings(measurements, words)
            return write_cine(target, replace(recipe, graphics=drawn), choice, handle)

        self.exporter.save(title, target, work)

    @staticmethod
    def patient_lines(study: Study) -> tuple[str, ...]:
        """Who the patient is, for pictures that may say so."""
        name = study.patient_name.replace("^", ", ")
        return tuple(part for part in (name, study.patient_id) if part)

    # what was measured

    def measurements(self, study: Study) -> tuple[Measurement, ...]:
        """Measurements of the study."""
        return self.session.readings.of(Measurement, study.study_instance_uid)

    def words(self, study: Study) -> dict[str, str]:
        """What stands beside each measurement, by its id."""
        return {
            m.measurement_id: "\n".join(text for text, _ in label_lines(m))
            for m in self.measurements(study)
        }

    # pages

    def page_content(self) -> PageContent:
        """What the page of the shown study says now."""
        study = self.study
        assert study is not None
        shown, day = self.page.model.display, date_text(study.study_date)
        description = study.description or ("" if shown is None else shown.description)
        lines = [" · ".join(part for part in (day, description) if part)]
        if self.with_patient:
            lines.insert(0, " · ".join(self.patient_lines(study)))
        if self.reader:
            lines.append(self.tr("Read by {0}").format(self.reader))
        uid = study.study_instance_uid
        models = dict.fromkeys(r.model for r in self.session.readings.of(AiResult, uid))
        modality = "" if shown is None else shown.modality
        return PageContent(
            self.tr("{0} study").format(modality).strip(), tuple(lines),
            self.wall_picture(stamp=False), tuple(_row(m) for m in self.measurements(study)),
            self.session.findings.draft(study).text, tuple(models), study.simulated,
        )  # fmt: skip

    def export_pdf(self) -> None:
        """Save the page."""
        if not self._ready():
            return
        title = self.tr("Page as PDF")
        target = self.ask_target(title, f"{self._kind()}-page", ".pdf", self.tr("PDF (*.pdf)"))
        if target is None:
            return
        content = self.page_content()

        def work(_handle: Handle) -> None:
            write_pdf(target, content)

        self.exporter.save(title, target, work)

    def print_page(self) -> None:
        """Print the page."""
        if not self._ready():
            return
        from PySide6.QtPrintSupport import QPrintDialog, QPrinter  # asks for printers: not at start

        printer = QPrinter(QPrinter.PrinterMode.HighResolution)
        dialog = QPrintDialog(printer, self.page)
        if dialog.exec() == QDialog.DialogCode.Accepted:
            self.print_on(printer)
        dialog.deleteLater()

    def print_on(self, printer: Any) -> None:
        """Draw the page on a `QPrinter`."""
        content = self.page_content()
        painter = QPainter()
        if not painter.begin(printer):
            self.session.messages.error(
                self.tr("The page was not printed"), self.tr("The printer does not answer.")
            )
            return
        dots = printer.resolution() / 25.4
        paint_page(painter, QRectF(0, 0, printer.width(), printer.height()), dots, content)
        painter.end()
        self.session.messages.success(self.tr("Page sent to the printer"))

    # key images

    def toggle_key(self) -> None:
        """Mark the shown picture as a key image, or unmark it."""
        marked = self.keys.toggle(self.page.active)
        if marked is None:
            words = self.tr("Only pictures as they were acquired can be key images")
            self.session.messages.info(words)
        else:
            self.session.messages.info(
                self.tr("Marked as key image") if marked else self.tr("No key image any more")
            )

    @Slot()
    def _redraw(self) -> None:
        self._star()
        for view in self.page.views():
            view.update()

    @Slot()
    def _star(self) -> None:
        """Stars in the list of studies."""
        marked = self.session.readings.of(KeyImage)
        self.page.browser.model.star(frozenset(key.display_key for key in marked))

    # states of others

    @Slot(object)
    def _watch(self, screen: Any) -> None:
        screen.model.presentation_changed.connect(self._presented)

    @Slot()
    def _presented(self) -> None:
        """A presentation state may say which part of the picture is shown."""
        for screen in self.page.showing.screens:
            state = screen.model.presentation
            if state is None or state is self._fitted.get(id(screen.model)):
                continue
            self._fitted = {**self._fitted, id(screen.model): state}
            uid, frame = screen.stack.instance()
            if not screen.model.graphics_only:
                fit_area(screen.stack, state.area(uid, frame))


def _row(measurement: Measurement) -> tuple[str, str, str]:
    """A line of the page's table."""
    name = title_of(measurement).splitlines()
    badges = dict.fromkeys(q.badge for q in measurement.quantities if q.unit in ("mm", "mm2"))
    where = place_words(measurement) if measurement.points else ""
    source = ", ".join(badge for badge in badges if badge and badge != "mm")
    return (
        name[0] if name else "", main_number(measurement),
        " · ".join(part for part in (where, source) if part),
    )  # fmt: skip
