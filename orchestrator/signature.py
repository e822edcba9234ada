"""Is what clients send to the version that serves accepted by the candidate? Pure.

Both say what they take in the signature of their MLmodel file. Requests are JSON, and the server casts each
value to the type of the column: so a column may become wider (integer to double), optional, or go; not
narrower or newly required.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

Spec = Mapping[str, Any]
WIDER: Mapping[str, tuple[str, ...]] = {
    "integer": ("long", "float", "double"),
    "long": ("double",),
    "float": ("double",),
}
"""What accepts every value of a type, besides the type itself."""
MOST_NAMED = 5


@dataclass(frozen=True)
class Signature:
    """Inputs as MLflow lists them: columns, or tensors."""

    inputs: tuple[Spec, ...]


def signature_of(mlmodel: Mapping[str, Any]) -> Signature | None:
    """None: the file has none, or none that is understood."""
    told: object = mlmodel.get("signature")
    text: object = cast("Mapping[str, object]", told).get("inputs") if isinstance(told, Mapping) else None
    if not isinstance(text, str):
        return None
    try:
        rows: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in cast("list[object]", rows)):
        return None
    return Signature(tuple(cast("list[Spec]", rows)))


def refuses(serving: Signature, candidate: Signature) -> str:
    """What clients of `serving` send that `candidate` does not accept; empty: it accepts all of it."""
    found = list(_refusals(_by_name(serving), _by_name(candidate)))
    more = f", and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return "; ".join(found[:MOST_NAMED]) + more


def _by_name(signature: Signature) -> dict[str, Spec]:
    """Columns without names are told apart by their place."""
    return {str(row.get("name", f"#{n + 1}")): row for n, row in enumerate(signature.inputs)}


def _refusals(before: Mapping[str, Spec], after: Mapping[str, Spec]) -> Iterator[str]:
    for name, row in after.items():
        if name not in before:
            if _required(row):
                yield f"{name!r} is required now, and clients do not send it"
        elif _required(row) and not _required(before[name]):
            yield f"{name!r} is required now, and clients may leave it out"
        elif not _accepts(before[name], row):
            yield f"{name!r} was {_type(before[name])} and is {_type(row)} now"
    for name in before:
        if name not in after and _tensors(before):
            yield f"{name!r} is not taken any more"


def _required(row: Spec) -> bool:
    return row.get("required") is not False


def _tensors(rows: Mapping[str, Spec]) -> bool:
    """Of a table, columns that nobody knows are left out; a tensor that nobody knows is an error."""
    return any(row.get("type") == "tensor" for row in rows.values())


def _accepts(before: Spec, after: Spec) -> bool:
    if before.get("type") == after.get("type") == "tensor":
        return _accepts_tensor(_inner(before, "tensor-spec"), _inner(after, "tensor-spec"))
    if before.get("type") == after.get("type") == "array":
        return _accepts(_inner(before, "items"), _inner(after, "items"))
    one, other = before.get("type"), after.get("type")
    if one == other:
        return one not in ("object", "map") or _without_place(before) == _without_place(after)
    return other == "any" or other in WIDER.get(str(one), ())


def _accepts_tensor(before: Spec, after: Spec) -> bool:
    old, new = before.get("shape"), after.get("shape")
    if before.get("dtype") != after.get("dtype") or not (isinstance(old, list) and isinstance(new, list)):
        return False
    pairs = list(zip(cast("list[object]", old), cast("list[object]", new), strict=False))
    same_rank = len(cast("list[object]", old)) == len(cast("list[object]", new))
    return same_rank and all(b in (-1, a) for a, b in pairs)


def _inner(row: Spec, key: str) -> Spec:
    found: object = row.get(key)
    return cast("Spec", found) if isinstance(found, Mapping) else {}


def _without_place(row: Spec) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in ("name", "required")}


def _type(row: Spec) -> str:
    if row.get("type") == "tensor":
        spec = _inner(row, "tensor-spec")
        return f"a tensor of {spec.get('dtype')} {spec.get('shape')}"
    return str(row.get("type"))[:40]
