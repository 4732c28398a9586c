"""The learners there are, as window and command line list them; the engine holds their code."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LearnerInfo:
    """One kind of learner."""

    name: str
    title: str
    tasks: tuple[str, ...]
    description: str
    """One sentence, in plain words."""
    explains: bool = False
    """Whether it can show where in an image its answer comes from."""


LEARNERS: tuple[LearnerInfo, ...] = (
    LearnerInfo(
        "perceptron",
        "Perceptron",
        ("table", "image", "signal"),
        "One weighted sum, corrected at each mistake: the oldest learner, and a fair baseline.",
    ),
    LearnerInfo(
        "logistic",
        "Logistic regression",
        ("table", "image", "signal"),
        "Risk as a weighted sum of the columns: the baseline of clinical risk models.",
    ),
    LearnerInfo(
        "svm-linear",
        "Linear SVM",
        ("table", "image", "signal"),
        "The straight boundary with the widest margin between the classes.",
    ),
    LearnerInfo(
        "svm-rbf",
        "RBF SVM",
        ("table", "image", "signal"),
        "A curved boundary from similarities to the training cases; strong on small tables.",
    ),
    LearnerInfo(
        "svm",
        "SVM, kernel chosen",
        ("table", "image", "signal"),
        "Tries straight, Gaussian, Laplace and quadratic kernels on folds of the training part.",
    ),
    LearnerInfo(
        "mlp",
        "Neural network (MLP)",
        ("table", "image", "signal"),
        "Layers of weighted sums on measured features, trained by gradient descent.",
    ),
    LearnerInfo(
        "cnn",
        "Convolutional network (CNN)",
        ("image",),
        "Learns its own features from the pixels, and can show where it looked.",
        explains=True,
    ),
    LearnerInfo(
        "rnn",
        "Recurrent network (GRU, LSTM)",
        ("signal",),
        "Reads a signal step by step and remembers; answers for the whole or for each time step.",
    ),
    LearnerInfo(
        "resnet1d",
        "Residual network for signals",
        ("signal",),
        "Convolutions along time, stage by stage coarser; a strong partner beside the RNN.",
    ),
    LearnerInfo(
        "unet",
        "U-Net",
        ("segmentation",),
        "Draws a label map on every picture or volume, patch by patch.",
    ),
)


def learner_info(name: str) -> LearnerInfo:
    """By name; raises `BadInputError` listing the known ones."""
    from medbench.base.errors import BadInputError

    for info in LEARNERS:
        if info.name == name:
            return info
    known = ", ".join(info.name for info in LEARNERS)
    raise BadInputError(f"There is no learner {name!r}; there are {known}.")
