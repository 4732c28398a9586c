"""One learner a file; each registers itself in one line."""

from medbench.base.errors import BadInputError
from medbench.engine.learners import cnn, logistic, mlp, perceptron, sequence, svm, unet
from medbench.engine.learners.base import Learner

LEARNERS: dict[str, Learner] = {
    learner.name: learner
    for learner in (
        perceptron.LEARNER,
        logistic.LEARNER,
        svm.LINEAR,
        svm.RBF,
        svm.KERNEL,
        mlp.LEARNER,
        cnn.LEARNER,
        sequence.RNN,
        unet.LEARNER,
        sequence.RESNET1D,
    )
}


def learner_of(name: str) -> Learner:
    """By name; raises `BadInputError`."""
    if name not in LEARNERS:
        raise BadInputError(f"There is no learner {name!r}; there are {', '.join(LEARNERS)}.")
    return LEARNERS[name]
