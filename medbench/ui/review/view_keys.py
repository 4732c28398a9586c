"""Keys of the viewport with the focus, and what the mouse buttons do: both from the key map."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Slot

from medbench.base.keymap import preset_named, read_key_presets
from medbench.session.library import display_key
from medbench.ui.actions.registry import VIEWPORT
from medbench.ui.review.commands import register_rows
from medbench.ui.review.feature import Feature
from medbench.ui.review.hand import ZOOM_STEP

if TYPE_CHECKING:
    from medbench.ui.review.workspace import ReviewWorkspace

translate = QCoreApplication.translate
_TEN = 10
_ALIASES = {"=": "+", "_": "-"}
"""Keys that stand for others: plus needs Shift on many keyboards."""


class ViewKeys(Feature):
    """Arrows, page keys, Home, End, plus, minus, Tab."""

    order = 90

    def __init__(self, page: "ReviewWorkspace") -> None:
        super().__init__(page)
        area = translate("Review", "Image")
        register_rows(page, [
            (self.previous_image, translate("Review", "Previous image"), area, "Up", "", ""),
            (self.next_image, translate("Review", "Next image"), area, "Down", "", ""),
            (self.first_image, translate("Review", "First image"), area, "Home", "", ""),
            (self.last_image, translate("Review", "Last image"), area, "End", "", ""),
            (self.back_ten, translate("Review", "Ten images back"), area, "PgUp", "", ""),
            (self.forward_ten, translate("Review", "Ten images on"), area, "PgDown", "", ""),
            (self.previous_series, translate("Review", "Previous series"), area, "Left", "", ""),
            (self.next_series, translate("Review", "Series after this"), area, "Right", "", ""),
            (self.zoom_in, translate("Review", "Zoom in"), area, "+", "zoom-in", ""),
            (self.zoom_out, translate("Review", "Zoom out"), area, "-", "zoom-out", ""),
        ], context=VIEWPORT)  # fmt: skip
        self._presets = read_key_presets()
        page.toolbox.keys = self.run
        self.session.settings.changed.connect(self._settings_changed)
        self._settings_changed()

    @Slot()
    def _settings_changed(self, *_: object) -> None:
        chosen = preset_named(self.session.settings.value.key_preset, self._presets)
        self.page.toolbox.mouse = chosen.mouse

    def run(self, key: str) -> bool:
        """Run the command of a viewport's key; at the ends of the wall Tab leaves it."""
        registry = self.page.actions_registry
        action = registry.command_for(key, VIEWPORT)
        if action is None and key in _ALIASES:
            action = registry.command_for(_ALIASES[key], VIEWPORT)
        if action is None or (key in ("Tab", "Shift+Tab") and self._at_end(key)):
            return False
        action.trigger()
        return True

    def _at_end(self, key: str) -> bool:
        views = self.page.views()
        if len(views) < 2 or self.page.active not in views:
            return True
        return self.page.active is (views[-1] if key == "Tab" else views[0])

    # commands

    def _scroll(self, by: int) -> None:
        view = self.page.active
        view.set_index(view.index + by)

    def previous_image(self) -> None:
        """One image back."""
        self._scroll(-1)

    def next_image(self) -> None:
        """One image on."""
        self._scroll(1)

    def first_image(self) -> None:
        """The first image."""
        self.page.active.set_index(0)

    def last_image(self) -> None:
        """The last image."""
        self.page.active.set_index(self.page.active.count - 1)

    def back_ten(self) -> None:
        """Ten images back."""
        self._scroll(-_TEN)

    def forward_ten(self) -> None:
        """Ten images on."""
        self._scroll(_TEN)

    def previous_series(self) -> None:
        """The series before, in the order of the browser."""
        self._step_series(-1)

    def next_series(self) -> None:
        """The series after, in the order of the browser."""
        self._step_series(1)

    def _step_series(self, by: int) -> None:
        rows = self.page.browser.model.rows
        displays = [row.display for row in rows if row.display is not None]
        keys = [display_key(display) for display in displays]
        if self.page.model.key in keys:
            at = keys.index(self.page.model.key) + by
            if 0 <= at < len(displays):
                self.page.show_display(displays[at])

    def zoom_in(self) -> None:
        """Larger."""
        self.page.active.zoom_by(ZOOM_STEP)

    def zoom_out(self) -> None:
        """Smaller."""
        self.page.active.zoom_by(1 / ZOOM_STEP)
