"""Every way in which a name in a Bicep file can be misspelt: one fault in each file that comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

from tests.infra.bicep import Call, Declaration, Expr, File, Member, Obj, Ref, Text

TYPO = "Qx"


def misspelt(file: File) -> Iterator[tuple[str, str, File]]:
    """What kind of name, what it was, the file with that one misspelt."""
    for number, each in enumerate(file.declarations):
        for kind, name, faulty in _of_declaration(each):
            rest = (*file.declarations[:number], faulty, *file.declarations[number + 1 :])
            yield kind, f"{file.path.name}:{each.name}.{name}", replace(file, declarations=rest)


def _of_declaration(each: Declaration) -> Iterator[tuple[str, str, Declaration]]:
    if each.kind in ("resource", "module"):
        yield "type", each.type, replace(each, type=each.type.replace(".", f".{TYPO}", 1))
    if each.value is not None:
        for kind, name, value in _of(each.value):
            yield kind, name, replace(each, value=value)


def _of(expr: Expr) -> Iterator[tuple[str, str, Expr]]:
    match expr:
        case Ref():
            yield "reference", expr.name, replace(expr, name=expr.name + TYPO)
        case Call():
            yield "function", expr.name, replace(expr, name=expr.name + TYPO)
        case Member():
            yield "member", expr.name, replace(expr, name=expr.name + TYPO)
        case Obj():
            for number, (key, value) in enumerate(expr.items):
                wrong = Text(key.line, (f"{key.literal}{TYPO}",))
                yield "property", key.literal or "", _with(expr, number, (wrong, value))
    yield from _below(expr)


def _with(expr: Obj, number: int, item: tuple[Text, Expr]) -> Obj:
    return replace(expr, items=(*expr.items[:number], item, *expr.items[number + 1 :]))


def _below(expr: Expr) -> Iterator[tuple[str, str, Expr]]:
    """The same of what is inside, put back where it was."""
    for field in fields(expr):
        value = getattr(expr, field.name)
        for kind, name, new in _inside(value):
            yield kind, f"{field.name}/{name}", replace(expr, **{field.name: new})


def _inside(value: Any) -> Iterator[tuple[str, str, Any]]:
    if isinstance(value, Expr):
        yield from _of(value)
    elif isinstance(value, tuple):
        for number, part in enumerate(value):
            put_back: Callable[[Any], Any] = lambda new, n=number: (*value[:n], new, *value[n + 1 :])  # noqa: E731
            for kind, name, new in _inside(part):
                yield kind, name, put_back(new)
