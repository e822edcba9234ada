"""Bicep read into plain values: declarations of a file, and expressions. What is not plain is refused.

tree-sitter knows the syntax and nothing else: undefined names and made-up properties are for symbols.py and
shapes.py to find.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import tree_sitter
import tree_sitter_bicep

_ESCAPES = {"\\'": "'", "\\\\": "\\", "\\n": "\n", "\\t": "\t", "\\r": "\r", "\\$": "$"}


class Unreadable(Exception):
    """The file is no Bicep, or uses more of it than these checks understand."""


@dataclass(frozen=True)
class Expr:
    line: int


@dataclass(frozen=True)
class Lit(Expr):
    value: bool | int | None


@dataclass(frozen=True)
class Text(Expr):
    parts: tuple[str | Expr, ...]

    @property
    def literal(self) -> str | None:
        """The text, if nothing is interpolated."""
        return "".join(map(str, self.parts)) if all(isinstance(p, str) for p in self.parts) else None

    @property
    def skeleton(self) -> str:
        """With a star for whatever is interpolated."""
        return "".join(p if isinstance(p, str) else "*" for p in self.parts)


@dataclass(frozen=True)
class Obj(Expr):
    items: tuple[tuple[Text, Expr], ...]

    def get(self, key: str) -> Expr | None:
        return next((value for name, value in self.items if name.literal == key), None)


@dataclass(frozen=True)
class Arr(Expr):
    items: tuple[Expr, ...]


@dataclass(frozen=True)
class Ref(Expr):
    name: str


@dataclass(frozen=True)
class Call(Expr):
    name: str
    args: tuple[Expr, ...]


@dataclass(frozen=True)
class Member(Expr):
    of: Expr
    name: str


@dataclass(frozen=True)
class Index(Expr):
    of: Expr
    at: Expr


@dataclass(frozen=True)
class Either(Expr):
    """test ? yes : no"""

    test: Expr
    yes: Expr
    no: Expr


@dataclass(frozen=True)
class Op(Expr):
    sign: str
    operands: tuple[Expr, ...]


@dataclass(frozen=True)
class Loop(Expr):
    item: str
    index: str | None
    over: Expr
    body: Expr


@dataclass(frozen=True)
class When(Expr):
    test: Expr
    body: Expr


@dataclass(frozen=True)
class Declaration:
    """One of param, var, resource, module, output."""

    kind: str
    name: str
    line: int
    value: Expr | None
    type: str = ""
    """Of a param or output its type; of a resource type@version; of a module its path."""
    existing: bool = False
    decorators: tuple[Call, ...] = ()

    @property
    def body(self) -> Obj:
        """The object of a resource or module, without its loop and condition."""
        found = self.value
        while isinstance(found, Loop | When):
            found = found.body
        assert isinstance(found, Obj)
        return found

    @property
    def allowed(self) -> tuple[str, ...]:
        lists = [c.args[0] for c in self.decorators if c.name == "allowed"]
        return tuple(
            t.literal or "" for a in lists if isinstance(a, Arr) for t in a.items if isinstance(t, Text)
        )


@dataclass(frozen=True)
class File:
    path: Path
    scope: str = "resourceGroup"
    using: str = ""
    declarations: tuple[Declaration, ...] = field(default=())

    def of(self, kind: str) -> dict[str, Declaration]:
        return {d.name: d for d in self.declarations if d.kind == kind}


def parse(text: str, path: Path) -> File:
    if path.suffix == ".bicepparam":  # the grammar knows no untyped param; a var has the same form
        text = re.sub(r"^param (?=\w+ =)", "var ", text, flags=re.MULTILINE)
    root = _parser().parse(text.encode()).root_node
    for node in _walk(root):
        if node.type == "ERROR" or node.is_missing:
            raise Unreadable(f"{path.name}:{node.start_point[0] + 1}: this is no Bicep: {_text(node)[:60]!r}")
    scope, using = "resourceGroup", ""
    decorators: tuple[Call, ...] = ()
    found: list[Declaration] = []
    for node in root.named_children:
        match node.type:
            case "comment":
                continue
            case "target_scope_assignment":
                scope = _literal(node.named_children[0])
            case "using_statement":
                using = _literal(node.named_children[0])
            case "decorators":
                decorators = tuple(_call(d.named_children[0]) for d in node.named_children)
                continue
            case _:
                found.append(_declaration(node, decorators))
        decorators = ()
    return File(path, scope, using, tuple(found))


@cache
def _parser() -> tree_sitter.Parser:
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bicep.language()))


def _walk(node: Any) -> Any:
    yield node
    for child in node.children:
        yield from _walk(child)


def _text(node: Any) -> str:
    return node.text.decode()


def _declaration(node: Any, decorators: tuple[Call, ...]) -> Declaration:
    kinds = {
        "parameter_declaration": "param",
        "variable_declaration": "var",
        "resource_declaration": "resource",
        "module_declaration": "module",
        "output_declaration": "output",
    }
    line = node.start_point[0] + 1
    if node.type not in kinds:
        raise Unreadable(f"line {line}: {node.type} is not plain enough to be checked")
    kind, children = kinds[node.type], [c for c in node.named_children if c.type != "comment"]
    name, rest, kindred = _text(children[0]), children[1:], ""
    if kind in ("param", "output"):
        kindred, rest = _text(rest[0]), rest[1:]
    elif kind in ("resource", "module"):
        kindred, rest = _literal(rest[0]), rest[1:]
    value = _expr(rest[0]) if rest else None
    existing = any(c.type == "existing" for c in node.children)
    return Declaration(kind, name, line, value, kindred, existing, decorators)


def _literal(node: Any) -> str:
    found = _expr(node)
    if not isinstance(found, Text) or found.literal is None:
        raise Unreadable(f"line {found.line}: only a plain text can stand here")
    return found.literal


def _call(node: Any) -> Call:
    found = _expr(node)
    assert isinstance(found, Call)
    return found


def _expr(node: Any) -> Expr:
    line = node.start_point[0] + 1
    inner = [c for c in node.named_children if c.type != "comment"]
    if node.type in _FORMS and (inner or node.type not in _NEVER_EMPTY):
        return _FORMS[node.type](line, node, inner)
    raise Unreadable(f"line {line}: {node.type} is not plain enough to be checked")


def _called(line: int, _: Any, inner: list[Any]) -> Expr:
    if inner[0].type != "identifier":
        raise Unreadable(f"line {line}: functions of values are not plain enough to be checked")
    return Call(line, _text(inner[0]), tuple(map(_expr, inner[1].named_children)))


def _operation(line: int, node: Any, inner: list[Any]) -> Expr:
    return Op(line, next(c.type for c in node.children if not c.is_named), tuple(map(_expr, inner)))


def _object(line: int, _: Any, inner: list[Any]) -> Expr:
    return Obj(line, tuple((_key(c.named_children[0]), _expr(c.named_children[-1])) for c in inner))


_NEVER_EMPTY = ("parenthesized_expression", "member_expression", "call_expression")
_FORMS: dict[str, Callable[[int, Any, list[Any]], Expr]] = {
    "string": lambda line, _, inner: Text(line, tuple(map(_part, inner))),
    "number": lambda line, node, _: Lit(line, int(_text(node))),
    "boolean": lambda line, node, _: Lit(line, _text(node) == "true"),
    "null": lambda line, _, __: Lit(line, None),
    "identifier": lambda line, node, _: Ref(line, _text(node)),
    "parenthesized_expression": lambda _, __, inner: _expr(inner[0]),
    "object": _object,
    "array": lambda line, _, inner: Arr(line, tuple(map(_expr, inner))),
    "call_expression": _called,
    "member_expression": lambda line, _, inner: Member(line, _expr(inner[0]), _text(inner[-1])),
    "subscript_expression": lambda line, _, inner: Index(line, _expr(inner[0]), _expr(inner[1])),
    "ternary_expression": lambda line, _, inner: Either(line, *map(_expr, inner)),
    "binary_expression": _operation,
    "unary_expression": _operation,
    "if_statement": lambda line, _, inner: When(line, _expr(inner[0]), _expr(inner[1])),
    "for_statement": lambda line, _, inner: _loop(line, inner),
}


def _loop(line: int, inner: list[Any]) -> Loop:
    first = inner[0]
    names = (
        [_text(c) for c in first.named_children] if first.type == "for_loop_parameters" else [_text(first)]
    )
    return Loop(line, names[0], names[1] if len(names) > 1 else None, _expr(inner[1]), _expr(inner[2]))


def _part(node: Any) -> str | Expr:
    if node.type == "interpolation":
        return _expr(node.named_children[0])
    return _ESCAPES.get(_text(node), _text(node))


def _key(node: Any) -> Text:
    if node.type == "string":
        found = _expr(node)
        assert isinstance(found, Text)
        return found
    return Text(node.start_point[0] + 1, (_text(node),))
