"""Names: none undefined or unused; between modules parameters and outputs are there, of the right kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.infra.bicep import Arr, Call, Declaration, Expr, File, Index, Loop, Member, Obj, Ref, Text
from tests.infra.meaning import ANY, FUNCTIONS, Context, Finding, inside, load, platform
from tests.infra.published import Resource, Shape, all_types

OF_A_RESOURCE = {"id", "name", "type", "apiVersion"}
OF_A_MODULE = {"name", "outputs"}


def check(file: File) -> Iterator[Finding]:
    context = Context(file)
    used: set[str] = set()
    for each in file.declarations:
        for expr in filter(None, (each.value, *each.decorators)):
            yield from _walk(context, expr, used)
        if each.kind == "module":
            yield from _module(context, each)
        if each.kind in ("param", "output") and each.value is not None:
            yield from _fits(context, each.value, each.type, f"{each.kind} {each.name}")
    yield from _unused(context, used)
    names = [d.name for d in file.declarations if d.kind != "output"]
    for each in file.declarations:
        if each.kind != "output" and names.count(each.name) > 1:
            yield context.finding(each.line, f"{each.name} is declared twice")


def check_parameters(file: File) -> Iterator[Finding]:
    """A .bicepparam file: what it sets exists, and nothing that must be set is missing."""
    context = Context(file)
    target = file.path.parent / file.using
    if not target.exists():
        yield context.finding(1, f"uses {file.using or 'nothing'}, which is not there")
        return
    given = {d.name: d for d in file.declarations}
    for each in given.values():
        assert each.value is not None
        yield from _walk(context, each.value, set())
    values = {name: d.value for name, d in given.items() if d.value is not None}
    yield from _given(context, 1, values, load(target), file.using)


def _walk(context: Context, expr: Expr, used: set[str]) -> Iterator[Finding]:
    match expr:
        case Ref():
            used.add(expr.name)
            if not _defined(context, expr.name):
                yield context.finding(expr.line, f"{expr.name} is not defined")
        case Call():
            if expr.name not in FUNCTIONS:
                yield context.finding(expr.line, f"{expr.name}() is no function that these checks know")
            if expr.name == "loadJsonContent" and isinstance(expr.args[0], Text):
                path = context.file.path.parent / (expr.args[0].literal or "")
                if not path.is_file():
                    yield context.finding(expr.line, f"{expr.args[0].literal} is not there")
                    return
        case Member():
            yield from _member(context, expr)
        case Loop():
            yield from _walk(context, expr.over, used)
            yield from _walk(context.within(expr), expr.body, used)
            return
    for each in inside(expr):
        yield from _walk(context, each, used)


def _defined(context: Context, name: str) -> bool:
    return name in context.loops or any(
        d.name == name for d in context.file.declarations if d.kind != "output"
    )


def _unused(context: Context, used: set[str]) -> Iterator[Finding]:
    for each in context.file.declarations:
        needless = each.kind in ("param", "var") or each.existing
        if needless and each.name not in used:
            yield context.finding(each.line, f"{each.kind} {each.name} is never used")


# ---- members


def _member(context: Context, expr: Member) -> Iterator[Finding]:
    of = expr.of
    module = context.module_of(of)
    if module is not None and expr.name not in OF_A_MODULE:
        yield context.finding(expr.line, f"a module has no {expr.name}, only outputs")
    elif isinstance(of, Member) and of.name == "outputs" and (module := context.module_of(of.of)):
        other = context.other(module)
        if other is not None and expr.name not in other.of("output"):
            yield context.finding(expr.line, f"{module.type} has no output {expr.name}")
    elif (known := platform(of)) is not None:
        if expr.name not in known:
            yield context.finding(expr.line, f"the platform's value has no {expr.name}")
    elif (chain := _chain(context, expr)) is not None:
        yield from _published(context, expr, *chain)
    else:
        for value in context.values(of):
            if isinstance(value, Obj) and value.get(expr.name) is None:
                yield context.finding(expr.line, f"nothing is called {expr.name} in what it is taken from")


def _chain(context: Context, expr: Member) -> tuple[Resource, list[str]] | None:
    """resource.a.b as the resource's type and [a, b]."""
    names: list[str] = []
    inner: Expr = expr
    while isinstance(inner, Member):
        names.insert(0, inner.name)
        inner = inner.of
    if isinstance(inner, Index):
        inner = inner.of
    if not isinstance(inner, Ref) or inner.name in context.loops:
        return None
    declared = context.file.of("resource").get(inner.name)
    kind = all_types().get(declared.type.lower()) if declared else None
    return (kind, names) if kind else None


def _published(context: Context, expr: Member, kind: Resource, names: list[str]) -> Iterator[Finding]:
    shape: Shape = kind.body
    if names[0] in OF_A_RESOURCE:
        return
    for name in names:
        found = kind.properties(shape)
        if not found or "others" in kind.open(shape):
            return
        if name not in found:
            yield context.finding(expr.line, f"{kind.name} has no {'.'.join(names)}")
            return
        shape = found[name][0]


# ---- modules


def _module(context: Context, module: Declaration) -> Iterator[Finding]:
    other = context.other(module)
    if other is None:
        yield context.finding(module.line, f"{module.type} is not there")
        return
    inner = context.within(module.value) if isinstance(module.value, Loop) else context
    scope = module.body.get("scope")
    here = scope.name if isinstance(scope, Call) else context.file.scope
    if here != other.scope:
        yield context.finding(module.line, f"{module.type} is made for a {other.scope}, and gets a {here}")
    for key, _ in module.body.items:
        if key.literal not in ("name", "scope", "params", "dependsOn"):
            yield context.finding(key.line, f"a module takes no {key.literal}")
    params = module.body.get("params")
    values = {k.literal or "": v for k, v in params.items} if isinstance(params, Obj) else {}
    yield from _given(inner, module.line, values, other, module.type)


def _given(
    context: Context, line: int, values: Mapping[str, Expr], other: File, where: str
) -> Iterator[Finding]:
    params = other.of("param")
    for name, value in values.items():
        if name not in params:
            yield context.finding(value.line, f"{where} has no parameter {name}")
            continue
        yield from _fits(context, value, params[name].type, f"parameter {name} of {where}")
        yield from _allowed(context, value, params[name])
    for name, param in params.items():
        if param.value is None and name not in values:
            yield context.finding(line, f"{where} needs the parameter {name}")


def _fits(context: Context, value: Expr, kind: str, what: str) -> Iterator[Finding]:
    found = context.kind(value)
    if ANY not in (found, kind) and found != kind:
        yield context.finding(value.line, f"{what} is {kind}, and gets {found}")


def _allowed(context: Context, value: Expr, param: Declaration) -> Iterator[Finding]:
    for each in context.values(value):
        if param.allowed and isinstance(each, Text) and each.literal not in (None, *param.allowed):
            yield context.finding(each.line, f"{param.name} may not be {each.literal!r}")


# ---- elements of array parameters, whose form Bicep does not know


def keys_of(file: File, name: str) -> set[str]:
    """What the elements have that a parameter file gives; all have the same."""
    value = next(d.value for d in file.declarations if d.name == name)
    items = value.items if isinstance(value, Arr) else ()
    found = [{key.literal or "" for key, _ in item.items} for item in items if isinstance(item, Obj)]
    return found[0] if found and all(keys == found[0] for keys in found) else set()


def taken_from(file: File, name: str) -> set[str]:
    """What a template reads from the elements of one of its array parameters."""
    found: set[str] = set()

    def walk(expr: Expr, loops: frozenset[str]) -> None:
        if isinstance(expr, Member):
            of = expr.of.of if isinstance(expr.of, Index) else expr.of
            if isinstance(of, Ref) and of.name in loops | {name}:
                found.add(expr.name)
        if isinstance(expr, Loop) and isinstance(expr.over, Ref) and expr.over.name == name:
            loops |= {expr.item}
        for each in inside(expr):
            walk(each, loops)

    for each in file.declarations:
        if each.value is not None:
            walk(each.value, frozenset())
    return found
