"""Whether the letters of names can be drawn: a missing font must be said, not shown as boxes.

`QFontMetrics.inFontUcs4` answers yes for glyphs that do not exist; the font database knows which
writing systems some installed font covers, and Qt falls back to those by itself.
"""

from collections.abc import Iterable

from PySide6.QtCore import QCoreApplication, QObject, Slot
from PySide6.QtGui import QFontDatabase

from medbench.domain.image import Study
from medbench.session.session import Session

translate = QCoreApplication.translate
_System = QFontDatabase.WritingSystem

_HAN = (_System.SimplifiedChinese, _System.TraditionalChinese, _System.Japanese)
_RANGES: tuple[tuple[int, int, str, tuple[QFontDatabase.WritingSystem, ...]], ...] = (
    (0x0590, 0x05FF, "Hebrew", (_System.Hebrew,)),
    (0x0600, 0x06FF, "Arabic", (_System.Arabic,)),
    (0x0E00, 0x0E7F, "Thai", (_System.Thai,)),
    (0x1100, 0x11FF, "Korean", (_System.Korean,)),
    (0x3040, 0x30FF, "Japanese", (_System.Japanese,)),
    (0x3400, 0x9FFF, "Chinese", _HAN),
    (0xAC00, 0xD7AF, "Korean", (_System.Korean,)),
    (0xFF66, 0xFF9F, "Japanese", (_System.Japanese,)),
    (0x20000, 0x3FFFF, "Chinese", _HAN),
)


def missing_scripts(
    text: str, systems: Iterable[QFontDatabase.WritingSystem] | None = None
) -> tuple[str, ...]:
    """Scripts of a text that no installed font covers, by English name."""
    if text.isascii():
        return ()
    installed = set(QFontDatabase.writingSystems() if systems is None else systems)
    found = {
        name: None
        for character in dict.fromkeys(text)
        for low, high, name, wanted in _RANGES
        if low <= ord(character) <= high and not installed.intersection(wanted)
    }
    return tuple(found)


def script_name(script: str) -> str:
    """A script's name in the user's language."""
    names = {
        "Hebrew": translate("Fonts", "Hebrew"), "Arabic": translate("Fonts", "Arabic"),
        "Thai": translate("Fonts", "Thai"), "Korean": translate("Fonts", "Korean"),
        "Japanese": translate("Fonts", "Japanese"), "Chinese": translate("Fonts", "Chinese"),
    }  # fmt: skip
    return names[script]


class FontWatch(QObject):
    """Says once for each script that its letters cannot be drawn here."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._said: set[str] = set()
        session.library.changed.connect(self.look)

    @Slot()
    def look(self) -> None:
        """Look at the names and descriptions of the open studies."""
        words = "".join(_words(study) for study in self._session.library.studies)
        new = [script for script in missing_scripts(words) if script not in self._said]
        if not new:
            return
        self._said.update(new)
        self._session.messages.warning(
            self.tr("No font for {0} letters is installed").format(
                ", ".join(script_name(script) for script in new)
            ),
            self.tr("Names in them show as boxes. Install such a font, for example Noto Sans CJK."),
        )


def _words(study: Study) -> str:
    descriptions = "".join(series.description for series in study.series)
    return f"{study.patient_name}{study.description}{study.institution}{descriptions}"
