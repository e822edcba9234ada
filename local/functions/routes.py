"""Route templates with ASP.NET's rules: literals ignore case, `{name:int}`, `{name?}`, `{*rest}`, `{name=x}`.

Among matching routes the most specific one wins, whatever the order of definition.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_PARAMETER = re.compile(
    r"\{(?P<star>\*{0,2})(?P<name>[^:=?{}*]+)(?P<constraints>(?::[^:{}=?(]+(?:\((?:[^()]|\([^()]*\))*\))?)*)"
    r"(?:=(?P<default>[^{}?]*))?(?P<optional>\?)?\}"
)
_CONSTRAINT = re.compile(r":(?P<name>\w+)(?:\((?P<args>(?:[^()]|\([^()]*\))*)\))?")
_GUID = r"\{?[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\}?"


class RouteError(ValueError):
    """A route template that ASP.NET would not accept either."""


def _is_int(text: str, bits: int) -> bool:
    return bool(re.fullmatch(r"[+-]?\d+", text)) and -(2 ** (bits - 1)) <= int(text) < 2 ** (bits - 1)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _length(text: str, args: str) -> bool:
    low, _, high = args.partition(",")
    return int(low) <= len(text) <= int(high or low)


def _range(text: str, args: str) -> bool:
    low, _, high = args.partition(",")
    return _is_int(text, 64) and int(low) <= int(text) <= int(high)


CONSTRAINTS: dict[str, Callable[[str, str], bool]] = {
    "int": lambda text, _: _is_int(text, 32),
    "long": lambda text, _: _is_int(text, 64),
    "bool": lambda text, _: text.lower() in {"true", "false"},
    "guid": lambda text, _: bool(re.fullmatch(_GUID, text)),
    "alpha": lambda text, _: bool(re.fullmatch(r"[A-Za-z]*", text)),
    "decimal": lambda text, _: _is_number(text),
    "double": lambda text, _: _is_number(text),
    "float": lambda text, _: _is_number(text),
    "required": lambda text, _: bool(text),
    "minlength": lambda text, args: len(text) >= int(args),
    "maxlength": lambda text, args: len(text) <= int(args),
    "length": _length,
    "min": lambda text, args: _is_int(text, 64) and int(text) >= int(args),
    "max": lambda text, args: _is_int(text, 64) and int(text) <= int(args),
    "range": _range,
    "regex": lambda text, args: bool(re.search(args, text, re.IGNORECASE)),
}


@dataclass(frozen=True)
class Parameter:
    name: str
    constraints: tuple[tuple[str, str], ...]
    default: str | None
    optional: bool
    catch_all: bool

    @property
    def rank(self) -> int:
        """ASP.NET's precedence of a segment; a literal is 1, a segment of several parts 2."""
        return (4 if self.constraints else 5) if self.catch_all else (2 if self.constraints else 3)

    def accepts(self, value: str) -> bool:
        return all(CONSTRAINTS[name](value, args) for name, args in self.constraints)


@dataclass(frozen=True)
class Route:
    """A compiled template, written as it is logged: never with the values of its parameters."""

    template: str
    pattern: re.Pattern[str]
    parameters: tuple[Parameter, ...]
    precedence: tuple[int, ...]

    def match(self, path: str) -> dict[str, str] | None:
        """Values of the parameters, or None. `path` has no leading slash and is decoded (see `decoded`)."""
        found = self.pattern.fullmatch(path)
        if not found:
            return None
        values: dict[str, str] = {}
        for index, parameter in enumerate(self.parameters, start=1):
            value = found.group(index) or parameter.default
            if value is None and (parameter.optional or parameter.catch_all):
                continue
            if value is None or not parameter.accepts(value):
                return None
            values[parameter.name] = value
        return values


def decoded(raw_path: bytes) -> str:
    """The path as routes see it: percent-decoded except `%2F`, without slashes at the ends."""
    segments = raw_path.decode("latin-1").split("/")
    kept = (re.sub(r"%(?=2[Ff])", "%25", s) for s in segments)
    return "/".join(unquote(s) for s in kept).strip("/")


def compile_route(prefix: str, route: str) -> Route:
    """`route` below the app's prefix; a leading slash is dropped, so "/" is the prefix itself."""
    template = "/".join(p for p in (prefix, route.removeprefix("~").strip("/")) if p)
    parameters: list[Parameter] = []
    ranks: list[int] = []
    pattern = ""
    for segment in template.split("/") if template else []:
        found = [_parameter(m, template) for m in _PARAMETER.finditer(segment)]
        pattern += _segment(segment, found, first=not pattern)
        whole = len(found) == 1 and _PARAMETER.fullmatch(segment)
        ranks.append(found[0].rank if whole else 2 if found else 1)
        parameters += found
    names = [p.name.lower() for p in parameters]
    if len(set(names)) != len(names):
        raise RouteError(f"route {template!r} uses a parameter twice")
    return Route("/" + template, re.compile(pattern, re.IGNORECASE), tuple(parameters), tuple(ranks))


def _parameter(match: re.Match[str], template: str) -> Parameter:
    constraints = tuple((c["name"], c["args"] or "") for c in _CONSTRAINT.finditer(match["constraints"]))
    unknown = [name for name, _ in constraints if name not in CONSTRAINTS]
    if unknown:
        raise RouteError(f"route {template!r} has unknown constraints: {', '.join(unknown)}")
    return Parameter(
        match["name"], constraints, match["default"], bool(match["optional"]), catch_all=bool(match["star"])
    )


def _segment(segment: str, parameters: list[Parameter], *, first: bool) -> str:
    literals = _PARAMETER.split(segment)[:: _PARAMETER.groups + 1]
    if any("{" in text or "}" in text for text in literals):
        raise RouteError(f"route segment {segment!r} has unbalanced braces")
    values = iter(_value(p) for p in parameters)
    body = "".join(re.escape(text) + next(values, "") for text in literals)
    slash = "" if first else "/"
    may_be_absent = (
        bool(parameters)
        and segment.startswith("{")
        and len(parameters) == 1
        and (parameters[0].optional or parameters[0].default is not None or parameters[0].catch_all)
    )
    return f"(?:{slash}{body})?" if may_be_absent else slash + body


def _value(parameter: Parameter) -> str:
    return "(.*)" if parameter.catch_all else "([^/]+)"


def candidates(
    routes: Iterable[tuple[Route, frozenset[str], str]],
) -> list[tuple[Route, frozenset[str], str]]:
    """Most specific first; equal ones keep the order of definition."""
    return sorted(routes, key=lambda entry: entry[0].precedence)


def matches(
    routes: Iterable[tuple[Route, frozenset[str], str]], method: str, path: str
) -> Iterator[tuple[Route, str, dict[str, str]]]:
    """Routes that fit; a method that a route does not list is no match (the host answers 404, not 405)."""
    for route, methods, name in routes:
        if methods and method not in methods:
            continue
        values = route.match(path)
        if values is not None:
            yield route, name, values
