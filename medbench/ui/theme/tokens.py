"""Colours and sizes of both themes: the only place where a colour is written down."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tokens:
    """One theme."""

    name: str
    app: str
    panel: str
    raised: str
    hover: str
    field: str
    divider: str
    subtle: str
    outline: str
    text: str
    text2: str
    disabled: str
    strong: str
    accent: str
    accent_fill: str
    selection: str
    success: str
    warning: str
    error: str
    track: str
    viewport: str = "#000000"
    on_accent: str = "#ffffff"
    overlay: str = "#d7dbdf"
    orientation: str = "#F0E442"


TOKENS = {
    "dark": Tokens(
        "dark", "#16181b", "#1e2125", "#282c31", "#343a40", "#191c1f", "#3f464d", "#2c3136",
        "#6f7881", "#d7dbdf", "#a3abb3", "#6c747c", "#f1f3f5", "#5aa9f5", "#2a6fb5", "#233a52",
        "#4fb286", "#e6a23c", "#f2777a", "#3a4047",
    ),
    "light": Tokens(
        "light", "#e9ecee", "#f7f8f9", "#ffffff", "#e1e6ea", "#ffffff", "#cfd5da", "#e1e5e8",
        "#7a848d", "#1c2126", "#515b64", "#8c959d", "#0e1216", "#1c69b8", "#2a6fb5", "#d5e6f7",
        "#1a7350", "#8a5700", "#b3322a", "#d3d9de",
    ),
}  # fmt: skip

SERIES = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#F0E442")
"""Plot lines (Okabe and Ito), each with its own dash and marker."""
POSITIVE, NEGATIVE = "#E69F00", "#56B4E9"
CLASSES = (NEGATIVE, POSITIVE, "#009E73", "#CC79A7", "#D55E00", "#F0E442")
PLANES = {"axial": "#D55E00", "coronal": "#009E73", "sagittal": "#F0E442", "acquired": "#56B4E9"}


@dataclass(frozen=True)
class TracePaper:
    """Colours of the paper that waveforms are drawn on."""

    paper: str
    fine: str
    """1 mm lines."""
    coarse: str
    """5 mm lines."""
    trace: str
    text: str
    text2: str
    mark: str
    warning: str


TRACE_PAPERS = {
    "paper": TracePaper("#f8efeb", "#f0d3cb", "#dfa99d", "#14161a", "#14161a", "#5a4641", "#0b57a4",
                        "#8a3b00"),
    "dark": TracePaper("#101214", "#1b2023", "#30373c", "#e6eaed", "#f1f3f5", "#a3abb3", "#5aa9f5",
                       "#e6a23c"),
}  # fmt: skip


def class_colour(index: int, positive: int) -> str:
    """Colour of a class: the positive one is orange, the first other one blue."""
    if index == positive:
        return POSITIVE
    rest = index if index < positive else index - 1
    others = [c for c in CLASSES if c != POSITIVE]
    return others[rest % len(others)]
