"""Between the platform's data and Python values, through the converters that azure-functions ships."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import azure.functions as func
from azure.functions.meta import Datum

if TYPE_CHECKING:
    from local.functions.app import Binding

Metadata = dict[str, Datum]


class ConversionError(TypeError):
    """The library cannot turn this value into (or out of) what the binding is annotated with."""


class Out(func.Out[Any]):
    """The argument of an output binding: the function sets it, the host sends it."""

    def __init__(self) -> None:
        self._value: Any = None

    def set(self, val: Any) -> None:
        self._value = val

    def get(self) -> Any:
        return self._value


def json_datum(value: object) -> Datum:
    return Datum(json.dumps(value), "json")


def text_datum(value: str) -> Datum:
    return Datum(value, "string")


def decode(binding: Binding, datum: Datum, metadata: Metadata) -> Any:
    """The trigger argument, as the worker builds it."""
    if binding.generic:
        return datum.value
    converter: Any = func.get_binding_registry().get(binding.type)
    try:
        return converter.decode(datum, trigger_metadata=metadata)
    except NotImplementedError as error:
        raise ConversionError(f"{binding.type} cannot be decoded from {datum.type}") from error


def encode(binding: Binding, value: Any) -> Datum:
    """What the function returned or set, as the worker sends it to the host."""
    converter: Any = func.get_binding_registry().get(binding.type)
    try:
        return converter.encode(value, expected_type=binding.python_type)
    except NotImplementedError as error:
        raise ConversionError(f"{binding.type} cannot send a {type(value).__name__}") from error


def messages(datum: Datum) -> list[str]:
    """The queue messages in an encoded queue output: one, or one for each element of a JSON array."""
    if datum.type == "bytes":
        return [datum.value.decode()]
    if datum.type != "json":
        return [str(datum.value)]
    value = json.loads(datum.value)
    items = value if isinstance(value, list) else [value]
    return [_message(item) for item in items]


def _message(item: Any) -> str:
    if isinstance(item, str):
        return item
    # The library wraps its own QueueMessage as {"id", "body"}; the host unwraps the body again.
    return str(item["body"]) if isinstance(item, dict) and "body" in item else json.dumps(item)
