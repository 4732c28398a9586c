"""Lucide icons, recoloured per theme and state; a widget's icon follows a change of theme."""

from functools import lru_cache
from weakref import WeakSet

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QLabel

from medbench.base.paths import resource
from medbench.ui.theme.current import current

_followers: WeakSet[QAbstractButton | QLabel] = WeakSet()


@lru_cache(maxsize=512)
def _svg(name: str) -> str:
    return resource("icons", f"{name}.svg").read_text(encoding="utf-8")


def icon_pixmap(name: str, colour: str, size: int, ratio: float = 1.0) -> QPixmap:
    """The icon in a colour, ``size`` logical pixels."""
    width = "1.75" if size >= 18 else "2"
    svg = _svg(name).replace("currentColor", colour)
    svg = svg.replace('stroke-width="2"', f'stroke-width="{width}"')
    pixmap = QPixmap(round(size * ratio), round(size * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(0, 0, size, size))
    painter.end()
    return pixmap


@lru_cache(maxsize=512)
def _icon(name: str, role: str, theme: str, size: int, on_role: str) -> QIcon:
    tokens = current()
    found = QIcon()
    app = QGuiApplication.instance()
    own = app.devicePixelRatio() if isinstance(app, QGuiApplication) else 1.0
    for ratio in {1.0, own}:
        normal = icon_pixmap(name, getattr(tokens, role), size, ratio)
        found.addPixmap(normal, QIcon.Mode.Normal, QIcon.State.Off)
        on = icon_pixmap(name, getattr(tokens, on_role), size, ratio)
        found.addPixmap(on, QIcon.Mode.Normal, QIcon.State.On)
        found.addPixmap(icon_pixmap(name, tokens.disabled, size, ratio), QIcon.Mode.Disabled)
    return found


def icon(name: str, role: str = "text", size: int = 18, on_role: str = "strong") -> QIcon:
    """Icon in the colour of a token of the current theme; ``on_role`` when checked."""
    return _icon(name, role, current().name, size, on_role)


def set_icon(
    widget: QAbstractButton | QLabel, name: str, role: str = "text", size: int = 18,
    on_role: str = "strong",
) -> None:  # fmt: skip
    """Give a button or label an icon that follows the theme."""
    widget.setProperty("icon_of", [name, role, size, on_role])
    _apply(widget)
    _followers.add(widget)


def _apply(widget: QAbstractButton | QLabel) -> None:
    name, role, size, on_role = widget.property("icon_of")
    if isinstance(widget, QLabel):
        ratio = widget.devicePixelRatioF()
        widget.setPixmap(icon_pixmap(name, getattr(current(), role), int(size), ratio))
        return
    widget.setIcon(icon(name, role, int(size), on_role))
    widget.setIconSize(QSize(int(size), int(size)))


def refresh_icons() -> None:
    """Recolour every icon after a change of theme."""
    from shiboken6 import isValid

    for widget in list(_followers):
        if isValid(widget):
            _apply(widget)
