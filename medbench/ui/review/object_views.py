"""The registered views of objects without pixels."""

from medbench.ui.review.content import ObjectView

OBJECT_VIEWS: tuple[type[ObjectView], ...] = ()
