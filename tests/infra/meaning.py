"""What an expression of a file can be: its kind, and, where the file itself says so, its value."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path

from tests.infra import bicep
from tests.infra.bicep import (
    Arr,
    Call,
    Either,
    Expr,
    File,
    Index,
    Lit,
    Loop,
    Member,
    Obj,
    Op,
    Ref,
    Text,
    When,
)

ANY = "any"
FUNCTIONS: Mapping[str, str] = {
    **dict.fromkeys(("concat", "split", "range"), "array"),
    **dict.fromkeys(("union", "environment", "resourceGroup", "subscription", "tenant"), "object"),
    **dict.fromkeys(("guid", "uniqueString", "toUpper", "toLower", "replace", "string"), "string"),
    **dict.fromkeys(("subscriptionResourceId", "resourceId", "readEnvironmentVariable"), "string"),
    **dict.fromkeys(("take", "last", "first", "loadJsonContent", "description", "allowed"), ANY),
    **dict.fromkeys(("minLength", "maxLength", "minValue", "maxValue", "secure", "batchSize"), ANY),
    "length": "int",
    "empty": "bool",
}
PLATFORM: Mapping[str, Mapping[str, object]] = {
    "resourceGroup": {"id": "string", "name": "string", "location": "string", "tags": "object"},
    "subscription": {
        "id": "string",
        "subscriptionId": "string",
        "tenantId": "string",
        "displayName": "string",
    },
    "tenant": {"tenantId": "string", "displayName": "string"},
    "environment": {
        "name": "string",
        "resourceManager": "string",
        "authentication": {"loginEndpoint": "string", "tenant": "string"},
        "suffixes": {"storage": "string", "keyvaultDns": "string"},
    },
}
_KINDS: Mapping[type[Expr], str] = {Text: "string", Obj: "object", Arr: "array", Loop: "array"}
_COMPARISONS = {"==", "!=", "<", ">", "<=", ">=", "&&", "||", "!", "=~", "!~"}


@dataclass(frozen=True, order=True)
class Finding:
    where: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.where}:{self.line}: {self.what}"


@dataclass(frozen=True)
class Context:
    """A file, and what the names of the loops around an expression may stand for."""

    file: File
    loops: Mapping[str, tuple[Expr, ...] | None] = field(default_factory=dict)

    def within(self, loop: Loop) -> Context:
        over = self.value(loop.over)
        names: dict[str, tuple[Expr, ...] | None] = {loop.item: over.items if isinstance(over, Arr) else None}
        if loop.index:
            names[loop.index] = (Lit(loop.line, 0),)
        return replace(self, loops={**self.loops, **names})

    def finding(self, line: int, what: str) -> Finding:
        return Finding(self.file.path.name, line, what)

    def value(self, expr: Expr) -> Expr:
        """Variables replaced by what they were set to, joined arrays by one, as far as that is known."""
        if isinstance(expr, Ref) and expr.name not in self.loops and expr.name in self.file.of("var"):
            inner = self.file.of("var")[expr.name].value
            return self.value(inner) if inner is not None else expr
        if isinstance(expr, Call) and expr.name == "concat":
            parts = [self.value(a) for a in expr.args]
            if all(isinstance(p, Arr) for p in parts):
                return Arr(expr.line, tuple(i for p in parts if isinstance(p, Arr) for i in p.items))
        if isinstance(expr, Call) and expr.name == "loadJsonContent" and isinstance(expr.args[0], Text):
            path = self.file.path.parent / (expr.args[0].literal or "")
            return written(json.loads(path.read_text()), expr.line) if path.is_file() else expr
        return expr

    def values(self, expr: Expr) -> Iterator[Expr]:
        """Everything it may be, as far as the file says: both branches, each element of a loop."""
        found = self.value(expr)
        match found:
            case Either():
                yield from self.values(found.yes)
                yield from self.values(found.no)
            case Ref() if self.loops.get(found.name):
                for each in self.loops[found.name] or ():
                    yield from self.values(each)
            case Member():
                for of in self.values(found.of):
                    inner = of.get(found.name) if isinstance(of, Obj) else None
                    yield from self.values(inner) if inner is not None else iter([found])
            case _:
                yield found

    def kind(self, expr: Expr) -> str:
        found = self.value(expr)
        match found:
            case Lit():
                return {bool: "bool", int: "int"}.get(type(found.value), "null")
            case When():
                return self.kind(found.body)
            case Op():
                return "bool" if found.sign in _COMPARISONS else "int"
            case Call():
                return FUNCTIONS.get(found.name, ANY)
            case Either():
                kinds = {self.kind(found.yes), self.kind(found.no)} - {"null"}
                return kinds.pop() if len(kinds) == 1 else ANY
            case Ref():
                return self._named(found)
            case Member():
                return self._member(found)
        return _KINDS.get(type(found), ANY)

    def _named(self, ref: Ref) -> str:
        if ref.name in self.loops:
            kinds = {self.kind(e) for e in self.loops[ref.name] or ()}
            return kinds.pop() if len(kinds) == 1 else ANY
        param = self.file.of("param").get(ref.name)
        return param.type if param else ANY

    def _member(self, found: Member) -> str:
        output = self.output(found)
        if output is not None:
            return output.type
        if (
            isinstance(found.of, Ref)
            and found.of.name in self.file.of("resource")
            and found.name in ("id", "name")
        ):
            return "string"
        if (known := platform(found.of)) is not None:
            inner = known.get(found.name)
            return inner if isinstance(inner, str) else "object"
        kinds = {self.kind(v) for v in self.values(found) if v != found}
        return kinds.pop() if len(kinds) == 1 else ANY

    def module_of(self, expr: Expr) -> bicep.Declaration | None:
        """m, m[i] and m! all are the module m."""
        if isinstance(expr, Index):
            expr = expr.of
        return self.file.of("module").get(expr.name) if isinstance(expr, Ref) else None

    def output(self, found: Member) -> bicep.Declaration | None:
        inner = found.of
        if not (isinstance(inner, Member) and inner.name == "outputs"):
            return None
        module = self.module_of(inner.of)
        other = self.other(module) if module else None
        return other.of("output").get(found.name) if other else None

    def other(self, module: bicep.Declaration) -> File | None:
        path = self.file.path.parent / module.type
        return load(path) if path.exists() else None


def platform(expr: Expr) -> Mapping[str, object] | None:
    """What the platform tells about where it deploys: environment().suffixes and the like."""
    if isinstance(expr, Call):
        return PLATFORM.get(expr.name)
    above = platform(expr.of) if isinstance(expr, Member) else None
    inner = above.get(expr.name) if above is not None and isinstance(expr, Member) else None
    return inner if isinstance(inner, dict) else None


def load(path: Path) -> File:
    return _parsed(path, path.read_text(encoding="utf-8"))


_parsed = cache(lambda path, text: bicep.parse(text, path))


def written(value: object, line: int) -> Expr:
    """A plain value as an expression."""
    match value:
        case dict():
            return Obj(line, tuple((Text(line, (str(k),)), written(v, line)) for k, v in value.items()))
        case list():
            return Arr(line, tuple(written(each, line) for each in value))
        case str():
            return Text(line, (value,))
        case bool() | int() | None:
            return Lit(line, value)
        case _:
            raise bicep.Unreadable(f"line {line}: {value!r} has no place in a template")


def inside(expr: Expr) -> Iterator[Expr]:
    """The expressions directly below."""

    def of(value: object) -> Iterator[Expr]:
        if isinstance(value, Expr):
            yield value
        elif isinstance(value, tuple):
            for part in value:
                yield from of(part)

    for each in fields(expr):
        yield from of(getattr(expr, each.name))
