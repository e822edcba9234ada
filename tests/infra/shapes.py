"""Resources: each property is one that was published for the type, and nothing required is missing."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.infra.bicep import Arr, Call, Declaration, Expr, File, Lit, Loop, Obj, Ref, Text
from tests.infra.meaning import ANY, Context, Finding, inside, written
from tests.infra.published import READ_ONLY, REQUIRED, Resource, Shape, all_types

OF_BICEP = {"parent", "scope", "dependsOn"}
GIVEN = {"id", "type", "apiVersion"}  # the declaration says them
_KINDS = {"integer": "int", "boolean": "bool"}


def check(file: File) -> Iterator[Finding]:
    context = Context(file)
    for each in file.of("resource").values():
        kind = all_types().get(each.type.lower())
        if kind is None:
            yield context.finding(each.line, f"{each.type} is not among the published types (data/README.md)")
            continue
        if kind.name != each.type:
            yield context.finding(each.line, f"{each.type} is written {kind.name}")
        inner = context.within(each.value) if isinstance(each.value, Loop) else context
        yield from _placed(inner, each, kind)
        if not each.existing:
            yield from _Body(inner, kind).object(each.body, kind.body, top=True)


def computed(kind: Resource, body: dict[str, object]) -> Iterator[Finding]:
    """The same of a body whose values were computed: lengths and patterns are seen too."""
    given = written(body, 0)
    assert isinstance(given, Obj)
    yield from _Body(Context(File(Path(kind.name))), kind).object(given, kind.body, top=True)


def _placed(context: Context, each: Declaration, kind: Resource) -> Iterator[Finding]:
    """Its name has as many parts as its type, with those of a parent; and it may be deployed here."""
    parent, name = each.body.get("parent"), each.body.get("name")
    levels = kind.name.partition("@")[0].count("/") - 1
    if isinstance(parent, Expr):
        named = next((e for e in (parent, *inside(parent)) if isinstance(e, Ref)), None)
        above = context.file.of("resource").get(named.name) if named else None
        if above is None or kind.name.partition("@")[0].rpartition("/")[0] != above.type.partition("@")[0]:
            yield context.finding(each.line, f"the parent of {each.name} is of another type")
        levels = 0
    parts = name.skeleton.count("/") if isinstance(name, Text) else 0
    if name is None:
        yield context.finding(each.line, f"{each.name} has no name")
    elif parts != levels:
        yield context.finding(each.line, f"the name of {each.name} needs {levels + 1} parts, not {parts + 1}")
    for key, _ in each.body.items if each.existing else ():
        if key.literal not in (*OF_BICEP, "name"):
            yield context.finding(key.line, f"{each.name} exists already: {key.literal} cannot be set")
    extends = each.body.get("scope") is not None and "extension" in kind.scopes
    if not (extends or context.file.scope in kind.scopes):
        yield context.finding(each.line, f"{kind.name} cannot be deployed to a {context.file.scope}")


@dataclass(frozen=True)
class _Body:
    context: Context
    kind: Resource

    def object(self, given: Obj, shape: Shape, *, top: bool = False, whole: bool = True) -> Iterator[Finding]:
        opened = self.kind.open(shape)
        chosen = yield from self._chosen(given, opened)
        found = self.kind.properties(shape, chosen)
        for key, value in given.items:
            name = key.literal
            if name is None or (top and name in OF_BICEP):
                continue
            if name in found:
                yield from self._property(name, value, *found[name], top=top)
            elif "others" in opened:
                yield from self.value(value, opened["others"], name)
            else:
                yield self.context.finding(key.line, f"{self.kind.name} has no property {name} here")
        names = {key.literal for key, _ in given.items}
        for name, (_, flags) in found.items() if whole else ():
            if flags & REQUIRED and not flags & READ_ONLY and name not in names | GIVEN:
                yield self.context.finding(given.line, f"{self.kind.name} needs {name} here")

    def _chosen(self, given: Obj, opened: Shape) -> Generator[Finding, None, str | None]:
        """Which of several shapes it is."""
        if "by" not in opened:
            return None
        value = given.get(opened["by"])
        names = sorted(opened["elements"])
        texts = [v.literal or "" for v in self.context.values(value) if isinstance(v, Text)] if value else []
        texts = [text.rpartition("/")[2] for text in texts]  # a name may begin with those of its parents
        if len(texts) != 1 or texts[0].lower() not in map(str.lower, names):
            yield self.context.finding(given.line, f"{opened['by']} must be one of {', '.join(names)}")
            return ""
        return texts[0]

    def _property(self, name: str, value: Expr, shape: Shape, flags: int, *, top: bool) -> Iterator[Finding]:
        if flags & READ_ONLY:
            yield self.context.finding(value.line, f"{name} of {self.kind.name} is read-only")
        elif not (top and name == "name"):
            optional = not flags & REQUIRED
            yield from self.value(value, shape, name, optional=optional)

    def value(self, given: Expr, shape: Shape, name: str, *, optional: bool = False) -> Iterator[Finding]:
        for each in self.context.values(given):
            yield from self._one(each, shape, name, optional=optional)

    def _one(self, given: Expr, shape: Shape, name: str, *, optional: bool) -> Iterator[Finding]:
        opened = self.kind.open(shape)
        wanted = _wanted(opened)
        found = self.context.kind(given)
        if (found == "null" and optional) or wanted == ANY:
            return
        if found not in (wanted, ANY):
            yield self.context.finding(given.line, f"{name} is {wanted}, and gets {found}")
            return
        match given:
            case Obj():
                yield from self.object(given, shape)
            case Arr() | Loop() if "list" in opened:
                yield from self._items(given, opened["list"], name)
            case Call(name="union" | "concat"):
                yield from self._parts(given, shape, name)
            case Text() if given.literal is not None:
                yield from self._text(given, given.literal, opened, name)
            case Lit() if isinstance(given.value, int):
                yield from self._number(given, given.value, opened, name)
            case Ref() if param := self.context.file.of("param").get(given.name):
                for each in param.allowed:
                    yield from self._text(given, each, opened, name)

    def _items(self, given: Arr | Loop, shape: Shape, name: str) -> Iterator[Finding]:
        if isinstance(given, Loop):
            yield from _Body(self.context.within(given), self.kind).value(given.body, shape, name)
            return
        for item in given.items:
            yield from self.value(item, shape, name)

    def _parts(self, given: Call, shape: Shape, name: str) -> Iterator[Finding]:
        """What is joined: no part needs to have what only the whole must have."""
        for part in map(self.context.value, given.args):
            if isinstance(part, Obj):
                yield from self.object(part, shape, whole=False)
            elif isinstance(part, Arr | Loop):
                yield from self._one(part, shape, name, optional=False)

    def _text(self, given: Expr, text: str, shape: Shape, name: str) -> Iterator[Finding]:
        known = [e["is"] for e in [shape, *shape.get("any", [])] if "is" in e]
        if known and text not in known:
            yield self.context.finding(given.line, f"{name} may not be {text!r}: {', '.join(sorted(known))}")
        for each in [shape, *shape.get("any", [])]:
            if "pattern" in each and not re.search(each["pattern"], text):
                yield self.context.finding(given.line, f"{name} may not be {text!r}: {each['pattern']}")
            if not each.get("minLength", 0) <= len(text) <= each.get("maxLength", len(text)):
                yield self.context.finding(given.line, f"{name} has a wrong length: {text!r}")

    def _number(self, given: Expr, number: int, shape: Shape, name: str) -> Iterator[Finding]:
        for each in [shape, *shape.get("any", [])]:
            if not each.get("minValue", number) <= number <= each.get("maxValue", number):
                yield self.context.finding(given.line, f"{name} may not be {number}")


def _wanted(shape: Shape) -> str:
    """The kind that fits; any, if several do."""
    if "is" in shape:
        return "string"
    if "list" in shape:
        return "array"
    if "any" in shape:
        kinds = {_wanted(each) for each in shape["any"]}
        return kinds.pop() if len(kinds) == 1 else ANY
    if "properties" in shape:
        return "object"
    return _KINDS.get(shape["kind"], shape["kind"])
