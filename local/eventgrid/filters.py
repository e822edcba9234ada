"""Which events a subscription wants: types, subject, advanced filters. Text is compared without case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.eventgrid.events import Event

MAX_FILTERS = 25
MAX_VALUES = 25
MAX_TEXT = 512
_MISSING = object()


class FilterError(ValueError):
    """The service would refuse this filter."""


@dataclass(frozen=True)
class Advanced:
    """One advanced filter. `values` are alternatives, or pairs for the range operators."""

    key: str
    operator: str
    values: tuple[Any, ...]

    def accepts(self, event: dict[str, Any], *, arrays: bool) -> bool:
        found = _lookup(event, self.key)
        if self.operator in _PRESENCE:
            return (found is _MISSING or found is None) is _PRESENCE[self.operator]
        negative = self.operator.replace("Not", "", 1) in _OPERATORS and "Not" in self.operator
        test = _OPERATORS[self.operator.replace("Not", "", 1) if negative else self.operator]
        if found is _MISSING or found is None:
            return self.operator in {"NumberNotIn", "StringNotIn"}
        candidates = found if isinstance(found, list) and arrays else [found]
        hit = any(test(candidate, value) for candidate in candidates for value in self.values)
        return not hit if negative else hit


@dataclass(frozen=True)
class Filter:
    """`types` empty: all types."""

    types: frozenset[str] = frozenset()
    begins: str = ""
    ends: str = ""
    case_sensitive: bool = False
    advanced: tuple[Advanced, ...] = ()
    arrays: bool = False

    def accepts(self, event: Event) -> bool:
        if self.types and event.type.lower() not in self.types:
            return False
        subject = event.subject if self.case_sensitive else event.subject.lower()
        if not (subject.startswith(self.begins) and subject.endswith(self.ends)):
            return False
        return all(f.accepts(event.body, arrays=self.arrays) for f in self.advanced)


def _lookup(event: dict[str, Any], key: str) -> Any:
    """`data.ModelTags.stage`; property names, unlike values, keep their case."""
    place: Any = event
    for part in key.split("."):
        if not isinstance(place, dict) or part not in place:
            return _MISSING
        place = place[part]
    return place


def _number(test: Callable[[float, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(found: Any, value: Any) -> bool:
        return isinstance(found, int | float) and not isinstance(found, bool) and test(found, value)

    return compare


def _text(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    def compare(found: Any, value: Any) -> bool:
        return isinstance(found, str) and test(found.lower(), str(value).lower())

    return compare


_PRESENCE = {"IsNullOrUndefined": True, "IsNotNull": False}
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "NumberIn": _number(lambda found, value: found == value),
    "NumberLessThan": _number(lambda found, value: found < value),
    "NumberGreaterThan": _number(lambda found, value: found > value),
    "NumberLessThanOrEquals": _number(lambda found, value: found <= value),
    "NumberGreaterThanOrEquals": _number(lambda found, value: found >= value),
    "NumberInRange": _number(lambda found, value: value[0] <= found <= value[1]),
    "BoolEquals": lambda found, value: isinstance(found, bool) and found is bool(value),
    "StringIn": _text(lambda found, value: found == value),
    "StringContains": _text(lambda found, value: value in found),
    "StringBeginsWith": _text(str.startswith),
    "StringEndsWith": _text(str.endswith),
}
_NEGATIVE = ("NumberNotIn", "NumberNotInRange", "StringNotIn", "StringNotContains", "StringNotBeginsWith")
OPERATORS = frozenset({*_OPERATORS, *_PRESENCE, *_NEGATIVE, "StringNotEndsWith"})


def parse(data: dict[str, Any]) -> Filter:
    """The `filter` property of an event subscription."""
    advanced = tuple(_advanced(item) for item in data.get("advancedFilters") or ())
    if len(advanced) > MAX_FILTERS or sum(len(f.values) for f in advanced) > MAX_VALUES:
        raise FilterError(f"at most {MAX_FILTERS} advanced filters with {MAX_VALUES} values in all")
    sensitive = bool(data.get("isSubjectCaseSensitive"))
    begins, ends = data.get("subjectBeginsWith") or "", data.get("subjectEndsWith") or ""
    return Filter(
        types=frozenset(t.lower() for t in data.get("includedEventTypes") or ()),
        begins=begins if sensitive else begins.lower(),
        ends=ends if sensitive else ends.lower(),
        case_sensitive=sensitive,
        advanced=advanced,
        arrays=bool(data.get("enableAdvancedFilteringOnArrays")),
    )


def _advanced(item: dict[str, Any]) -> Advanced:
    operator, key = item.get("operatorType"), item.get("key")
    if operator not in OPERATORS:
        raise FilterError(f"unknown operatorType {operator!r}")
    if not isinstance(key, str) or not key:
        raise FilterError(f"{operator}: key is missing")
    values = tuple(item["values"] if "values" in item else [item["value"]] if "value" in item else ())
    if operator not in _PRESENCE and not values:
        raise FilterError(f"{operator} on {key}: no values")
    if any(isinstance(v, str) and len(v) > MAX_TEXT for v in values):
        raise FilterError(f"{operator} on {key}: values have at most {MAX_TEXT} characters")
    return Advanced(key, operator, values)
