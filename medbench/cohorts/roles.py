"""Words that sources use for train, val and test."""

from medbench.domain.cohort import Role

_ROLE_WORDS = {
    "train": Role.TRAIN,
    "training": Role.TRAIN,
    "val": Role.VAL,
    "valid": Role.VAL,
    "validation": Role.VAL,
    "test": Role.TEST,
    "testing": Role.TEST,
}


def role_of_word(word: str) -> Role | None:
    """Role meant by a cell of a split column."""
    return _ROLE_WORDS.get(word.strip().lower())
