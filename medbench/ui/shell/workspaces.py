"""The workspaces of the rail, in order; a new one is one line here."""

from medbench.session.session import Session
from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.cohorts.workspace import CohortsWorkspace
from medbench.ui.evaluate.workspace import EvaluateWorkspace
from medbench.ui.models.workspace import ModelsWorkspace
from medbench.ui.review.workspace import ReviewWorkspace
from medbench.ui.train.workspace import TrainWorkspace
from medbench.ui.workspace import Workspace

WORKSPACES: tuple[type[Workspace], ...] = (
    ReviewWorkspace,
    CohortsWorkspace,
    TrainWorkspace,
    EvaluateWorkspace,
    ModelsWorkspace,
)


def build_workspaces(session: Session, actions: ActionRegistry) -> list[Workspace]:
    """One of each."""
    return [kind(session, actions) for kind in WORKSPACES]
