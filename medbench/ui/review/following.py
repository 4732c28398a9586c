"""Panels speak of the active viewport's model: their connections move when another is active."""

from collections.abc import Callable
from typing import Any

from medbench.ui.review.view_model import ViewModel


class ModelLink:
    """Slots by the name of the model's signal they listen to."""

    def __init__(self, model: ViewModel, **slots: Callable[..., Any]) -> None:
        self._slots = slots
        self._model = model
        for name, slot in slots.items():
            getattr(model, name).connect(slot)

    def follow(self, model: ViewModel) -> bool:
        """Listen to another model; False where it was this one already."""
        if model is self._model:
            return False
        for name, slot in self._slots.items():
            getattr(self._model, name).disconnect(slot)
            getattr(model, name).connect(slot)
        self._model = model
        return True
