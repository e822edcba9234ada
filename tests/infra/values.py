"""What templates set, read from the declarations: for tests that compare it with the code."""

from __future__ import annotations

from collections.abc import Iterator

from tests.infra.bicep import Arr, Declaration, Expr, File, Lit, Loop, Obj, Text
from tests.infra.check import INFRA
from tests.infra.meaning import Context, load


def template(name: str) -> File:
    return load(INFRA / name)


def texts(file: File, variable: str) -> list[str]:
    """An array of plain texts."""
    value = file.of("var")[variable].value
    assert isinstance(value, Arr)
    return [item.literal or "" for item in value.items if isinstance(item, Text)]


def pairs(file: File, variable: str) -> dict[str, str]:
    """name → value of an array of {name, value}; a star for what is computed."""
    value = file.of("var")[variable].value
    return dict(_pair(item) for item in Context(file).values(value) for item in _items(item))


def parameter_pairs(file: File, name: str) -> dict[str, str]:
    """The same of a parameter file."""
    value = next(d.value for d in file.declarations if d.name == name)
    assert value is not None
    return dict(_pair(item) for item in _items(value))


def _items(value: Expr) -> list[Obj]:
    items = value.items if isinstance(value, Arr) else (value.body,) if isinstance(value, Loop) else ()
    return [item for item in items if isinstance(item, Obj)]


def _pair(item: Obj) -> tuple[str, str]:
    name, value = item.get("name"), item.get("value")
    assert isinstance(name, Text)
    return name.skeleton, value.skeleton if isinstance(value, Text) else "*"


def resources(kind: str) -> Iterator[tuple[str, Declaration]]:
    """Everything of one type that infra/ makes, with its file's name."""
    for path in sorted(INFRA.rglob("*.bicep")):
        for each in load(path).of("resource").values():
            if each.type.partition("@")[0] == kind and not each.existing:
                yield path.name, each


def setting(each: Declaration, *names: str) -> object:
    """The literal that stands at a path of a resource's body; None if it is not there."""
    value: Expr | None = each.body
    for name in names:
        value = value.get(name) if isinstance(value, Obj) else None
    match value:
        case Text():
            return value.literal
        case Lit():
            return value.value
        case Arr():
            return [item.literal for item in value.items if isinstance(item, Text)]
        case _:
            return value
