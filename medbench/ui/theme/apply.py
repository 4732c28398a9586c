"""Put a theme on the application: fonts, palette, style sheet, icons, plots."""

import atexit
import tempfile
from functools import cache
from pathlib import Path

from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

from medbench.base.paths import resource
from medbench.ui.theme.current import ThemeNotifier, set_current
from medbench.ui.theme.icons import icon_pixmap, refresh_icons
from medbench.ui.theme.stylesheet import build_stylesheet
from medbench.ui.theme.tokens import TOKENS, Tokens

_loaded: list[int] = []


@cache
def _image_folder() -> Path:
    """Style sheets take images from files only; the folder goes with the process."""
    folder = tempfile.TemporaryDirectory(prefix="mb-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


def load_fonts() -> None:
    """Register the bundled fonts, once."""
    if _loaded:
        return
    files = sorted(resource("fonts").glob("*.[ot]tf"))
    _loaded.extend(QFontDatabase.addApplicationFont(str(file)) for file in files)


def base_font() -> QFont:
    """Inter with tabular figures."""
    font = QFont("Inter")
    font.setPixelSize(13)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def apply_theme(
    app: QApplication, name: str, *, scale: float = 1.0, notifier: ThemeNotifier | None = None
) -> Tokens:
    """Switch to ``dark`` or ``light`` at once, everywhere."""
    tokens = prepare_theme(app, name)
    style_widgets(app, tokens, scale)
    refresh_icons()
    if notifier is not None:
        notifier.changed.emit()
    return tokens


def prepare_theme(app: QApplication, name: str) -> Tokens:
    """Colours, fonts and icons of a theme, before there are widgets."""
    tokens = TOKENS.get(name, TOKENS["dark"])
    set_current(tokens)
    load_fonts()
    if not app.property("fusion"):  # each time it polishes every widget again
        app.setStyle("Fusion")
        app.setProperty("fusion", True)
    app.setFont(base_font())
    app.setPalette(_palette(tokens))
    return tokens


def style_widgets(app: QApplication, tokens: Tokens, scale: float) -> None:
    """The style sheet; once for a whole window, since each widget that joins one is polished."""
    name = tokens.name
    arrow, check = (_image_folder() / f"{kind}-{name}.png" for kind in ("arrow", "check"))
    icon_pixmap("chevron-down", tokens.text2, 28).save(str(arrow))
    icon_pixmap("check", tokens.on_accent, 28).save(str(check))
    app.setStyleSheet(build_stylesheet(tokens, scale, arrow.as_posix(), check.as_posix()))


def _palette(tokens: Tokens) -> QPalette:
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: tokens.app,
        QPalette.ColorRole.Base: tokens.field,
        QPalette.ColorRole.AlternateBase: tokens.panel,
        QPalette.ColorRole.Button: tokens.raised,
        QPalette.ColorRole.Text: tokens.text,
        QPalette.ColorRole.WindowText: tokens.text,
        QPalette.ColorRole.ButtonText: tokens.text,
        QPalette.ColorRole.Highlight: tokens.accent_fill,
        QPalette.ColorRole.HighlightedText: tokens.on_accent,
        QPalette.ColorRole.ToolTipBase: tokens.raised,
        QPalette.ColorRole.ToolTipText: tokens.text,
        QPalette.ColorRole.PlaceholderText: tokens.text2,
        QPalette.ColorRole.Link: tokens.accent,
    }
    for role, colour in roles.items():
        palette.setColor(role, QColor(colour))
    disabled = QPalette.ColorGroup.Disabled
    for role in (
        QPalette.ColorRole.Text,
        QPalette.ColorRole.ButtonText,
        QPalette.ColorRole.WindowText,
    ):
        palette.setColor(disabled, role, QColor(tokens.disabled))
    return palette
