"""What templates would make: Bicep carried out on given parameters, without Azure.

What only the service knows (an identity's object id, say) is a text in ‹brackets›. Anything unforeseen
raises: an index that is not there, a module's output that nobody made, a function that is not known.
"""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.infra import bicep
from tests.infra.bicep import (
    Arr,
    Call,
    Declaration,
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
from tests.infra.meaning import load

TENANT = "99999999-9999-4999-8999-999999999999"
ENVIRONMENT = {
    "name": "AzureCloud",
    "resourceManager": "https://management.azure.com/",
    "authentication": {"loginEndpoint": "https://login.microsoftonline.com/"},
    "suffixes": {"storage": "core.windows.net"},
}


@dataclass(frozen=True)
class Place:
    """Where something is deployed to."""

    subscription: str
    group: str = ""

    @property
    def id(self) -> str:
        below = f"/resourceGroups/{self.group}" if self.group else ""
        return f"/subscriptions/{self.subscription}{below}"


@dataclass(frozen=True)
class Resource:
    type: str
    id: str
    name: str
    body: dict[str, Any] = field(hash=False)
    existing: bool = False

    def member(self, name: str) -> Any:
        if name in ("id", "name"):
            return getattr(self, name)
        return self.body[name] if name in self.body else Known(f"{self.id}.{name}")


class Known(str):
    """A text that only the service knows."""

    __slots__ = ()

    def __new__(cls, path: str) -> Known:
        return super().__new__(cls, f"‹{path.replace('‹', '').replace('›', '')}›")


@dataclass
class Run:
    """One template, deployed to one place. `made` collects what it and its modules make."""

    file: File
    params: Mapping[str, Any]
    place: Place
    made: list[Resource] = field(default_factory=list)
    deployments: list[tuple[str, Place]] = field(default_factory=list)
    _done: dict[str, Any] = field(default_factory=dict)

    def deploy(self) -> dict[str, Any]:
        """Returns the outputs."""
        for each in self.file.declarations:
            if each.kind in ("resource", "module"):
                self.symbol(each.name)
        return {name: self.eval(each.value, {}) for name, each in self.file.of("output").items()}

    def symbol(self, name: str) -> Any:
        if name not in self._done:
            each = next(d for d in self.file.declarations if d.name == name and d.kind != "output")
            match each.kind:
                case "param" if name in self.params:
                    self._done[name] = self.params[name]
                case "param" | "var":
                    self._done[name] = self.eval(each.value, {})
                case _:
                    self._done[name] = self._declared(each, each.value, {})
        return self._done[name]

    def _declared(self, each: Declaration, value: Expr | None, names: dict[str, Any]) -> Any:
        if isinstance(value, Loop):
            over = self.eval(value.over, names)
            inner = ({value.item: item, value.index or "": n} for n, item in enumerate(over))
            return [self._declared(each, value.body, names | new) for new in inner]
        if isinstance(value, When):
            return self._declared(each, value.body, names) if self.eval(value.test, names) else None
        assert isinstance(value, Obj)
        return (
            self._resource(each, value, names)
            if each.kind == "resource"
            else self._module(each, value, names)
        )

    def _resource(self, each: Declaration, value: Obj, names: dict[str, Any]) -> Resource:
        given = self.eval(value, names)
        kind = each.type.partition("@")[0]
        parent, scope, name = given.pop("parent", None), given.pop("scope", None), given["name"]
        given.pop("dependsOn", None)
        if parent is not None:
            id_ = f"{parent.id}/{kind.rpartition('/')[2]}/{name}"
        else:
            root = scope.id if scope is not None else self.place.id
            provider, *parts = kind.split("/")
            pairs = zip(parts, name.split("/"), strict=True)
            id_ = f"{root}/providers/{provider}" + "".join(f"/{t}/{n}" for t, n in pairs)
        found = Resource(kind, id_, name, given, each.existing)
        if not each.existing:
            self.made.append(found)
        return found

    def _module(self, each: Declaration, value: Obj, names: dict[str, Any]) -> dict[str, Any]:
        given = self.eval(value, names)
        place = given.get("scope", self.place)
        self.deployments.append((given["name"], place))
        other = load(self.file.path.parent / each.type)
        inner = Run(other, given.get("params", {}), place, self.made, self.deployments)
        return {"outputs": inner.deploy(), "name": given["name"]}

    # ---- expressions

    def eval(self, expr: Expr | None, names: dict[str, Any]) -> Any:  # noqa: C901 -- one case a form
        match expr:
            case Lit():
                return expr.value
            case Text():
                return "".join(p if isinstance(p, str) else str(self.eval(p, names)) for p in expr.parts)
            case Obj():
                return {self.eval(key, names): self.eval(value, names) for key, value in expr.items}
            case Arr():
                return [self.eval(item, names) for item in expr.items]
            case Ref():
                return names[expr.name] if expr.name in names else self.symbol(expr.name)
            case Member():
                return self._member(self.eval(expr.of, names), expr)
            case Index():
                return self.eval(expr.of, names)[self.eval(expr.at, names)]
            case Either():
                return self.eval(expr.yes if self.eval(expr.test, names) else expr.no, names)
            case Op():
                return _operators(expr)([self.eval(o, names) for o in expr.operands])
            case Loop():
                over = self.eval(expr.over, names)
                inner = ({expr.item: item, expr.index or "": n} for n, item in enumerate(over))
                return [self.eval(expr.body, names | new) for new in inner]
            case Call():
                return self._call(expr.name, [self.eval(a, names) for a in expr.args])
        raise bicep.Unreadable(f"{expr} cannot be carried out")

    def _member(self, of: Any, expr: Member) -> Any:
        if isinstance(of, Resource):
            return of.member(expr.name)
        if isinstance(of, Place):
            return {"id": of.id, "subscriptionId": of.subscription, "location": "westeurope"}[expr.name]
        if isinstance(of, Known):
            return Known(f"{of}.{expr.name}")
        if isinstance(of, dict) and expr.name not in of and isinstance(expr.of, Member):
            return Known(
                f"{expr.of.name}.{expr.name}"
            )  # set in part by the template, the rest by the service
        return of[expr.name]

    def _call(self, name: str, args: list[Any]) -> Any:
        match name:
            case "resourceGroup":
                return Place(*args) if args else self.place
            case "subscription":
                return Place(*args) if args else Place(self.place.subscription)
            case "subscriptionResourceId":
                return f"/subscriptions/{self.place.subscription}/providers/{args[0]}/{args[1]}"
            case "loadJsonContent":
                return json.loads((self.file.path.parent / args[0]).read_text())
        return FUNCTIONS[name](*args)


def _operators(expr: Op) -> Callable[[list[Any]], Any]:
    return {
        "!": lambda x: not x[0],
        "==": lambda x: x[0] == x[1],
        "!=": lambda x: x[0] != x[1],
        "<": lambda x: x[0] < x[1],
        "-": lambda x: x[0] - x[1],
        "+": lambda x: x[0] + x[1],
        "&&": lambda x: x[0] and x[1],
        "||": lambda x: x[0] or x[1],
    }[expr.sign]


def _hashed(*args: Any) -> bytes:
    return hashlib.sha256("\n".join(map(str, args)).encode()).digest()


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "guid": lambda *args: str(uuid.UUID(bytes=_hashed(*args)[:16])),
    "uniqueString": lambda *args: base64.b32encode(_hashed(*args)).decode().lower()[:13],
    "concat": lambda *args: [item for each in args for item in each],
    "union": lambda *args: {k: v for each in args for k, v in each.items()},
    "split": lambda text, by: text.split(by),
    "range": lambda start, count: list(range(start, start + count)),
    "take": lambda what, count: what[:count],
    "last": lambda what: what[-1],
    "length": len,
    "empty": lambda what: not what,
    "toUpper": str.upper,
    "string": str,
    "toLower": str.lower,
    "environment": lambda: ENVIRONMENT,
    "tenant": lambda: {"tenantId": TENANT},
}


def parameters(path: Path, env: Mapping[str, str]) -> tuple[File, dict[str, Any]]:
    """A .bicepparam file with these variables: the template and what it is given."""
    file = load(path)

    class Reading(Run):
        def _call(self, name: str, args: list[Any]) -> Any:
            if name != "readEnvironmentVariable":
                return super()._call(name, args)
            return env[args[0]] if len(args) == 1 else env.get(*args)

    run = Reading(file, {}, Place(""))
    return load(path.parent / file.using), {d.name: run.symbol(d.name) for d in file.declarations}
