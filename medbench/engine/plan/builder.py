"""Plans: every choice a row with its reason; the user's own values go on top."""

from collections.abc import Mapping, Sequence
from typing import Any

from medbench.base.errors import BadInputError
from medbench.domain.model import PlanRow


class PlanBuilder:
    """Collects rows; a value the user set replaces the derived one and says so.

    So does a value that a search has chosen, unless the user set the row.
    """

    def __init__(
        self, overrides: Mapping[str, Any], searched: Mapping[str, Any] | None = None
    ) -> None:
        self._overrides = dict(overrides)
        self._searched = dict(searched or {})
        self._used: set[str] = set()
        self.rows: list[PlanRow] = []
        self.bounds: dict[str, tuple[float | None, float | None]] = {}
        """Lowest and highest value of the numeric rows that have bounds."""

    def row(
        self,
        key: str,
        title: str,
        value: Any,
        reason: str,
        *,
        choices: Sequence[Any] = (),
        unit: str = "",
        low: float | None = None,
        high: float | None = None,
    ) -> Any:
        """Add a row; returns the value that holds (the user's, if there is one)."""
        by_user = key in self._overrides
        if by_user:
            self._used.add(key)
            value = _parsed(key, self._overrides[key], value, choices, low, high)
            reason = "Set by you."
        elif key in self._searched:
            value = _parsed(key, self._searched[key], value, choices, low, high)
            reason = "Chosen by the search, on cases of the training part only."
        if low is not None or high is not None:
            self.bounds[key] = (low, high)
        self.rows.append(PlanRow(key, title, value, reason, by_user, tuple(choices), unit))
        return value

    def finish(self) -> tuple[PlanRow, ...]:
        """All rows; raises `BadInputError` for settings that no row knows."""
        if unknown := sorted(set(self._overrides) - self._used):
            known = ", ".join(row.key for row in self.rows)
            raise BadInputError(f"There is no setting {unknown[0]!r} here; there are {known}.")
        return tuple(self.rows)


def _parsed(
    key: str, given: Any, derived: Any, choices: Sequence[Any], low: float | None,
    high: float | None,
) -> Any:  # fmt: skip
    value = _typed(key, given, derived)
    if choices and value not in choices:
        known = ", ".join(str(c) for c in choices)
        raise BadInputError(f"{key} = {given} is not possible; choose one of {known}.")
    number = value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    if number is not None and not (
        (low is None or number >= low) and (high is None or number <= high)
    ):
        raise BadInputError(f"{key} = {given} lies outside {low} to {high}.")
    return value


def _typed(key: str, given: Any, derived: Any) -> Any:
    try:
        if isinstance(derived, bool):
            words = {"true": True, "yes": True, "on": True, "1": True,
                     "false": False, "no": False, "off": False, "0": False}  # fmt: skip
            return given if isinstance(given, bool) else words[str(given).lower()]
        if isinstance(derived, int):
            return int(given)
        if isinstance(derived, float):
            return float(given)
    except (ValueError, KeyError):
        kind = {bool: "yes or no", int: "a whole number", float: "a number"}[type(derived)]
        raise BadInputError(f"{key} = {given!r} is not {kind}.") from None
    return str(given)


def values_of(rows: Sequence[PlanRow]) -> dict[str, Any]:
    """Key -> value."""
    return {row.key: row.value for row in rows}
