"""What every part of greenlight.yaml is written in: strict mappings and durations. Pure."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, WithJsonSchema

_DURATION = re.compile(r"(\d+)\s*([smhd])")
IDENTITY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""A GUID: half of a person's canonical identity."""
SECRET_KEYS = ("webhook",)
"""What stands under these is told to nobody."""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = timedelta(days=3660)


def duration(value: object) -> timedelta:
    """`90s`, `10m`, `24h`, `7d`."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str) and value.startswith("P"):  # as rows have it
        return TypeAdapter(timedelta).validate_python(value)
    match = _DURATION.fullmatch(str(value).strip())
    if not match or len(match[1]) > 9:
        raise ValueError("write a duration as a number and s, m, h or d: 90s, 10m, 24h, 7d")
    found = timedelta(seconds=int(match[1]) * _UNITS[match[2]])
    if found > _LONGEST:
        raise ValueError("a duration of more than ten years is none")
    return found


Duration = Annotated[
    timedelta,
    BeforeValidator(duration),
    WithJsonSchema({"type": "string", "pattern": rf"^{_DURATION.pattern}$"}),
]


def written(text: str) -> Any:
    """A default, in the schema as people write it."""
    return Field(duration(text), json_schema_extra={"default": text})


class Strict(BaseModel):
    """An unknown key is an error."""

    # Built when greenlight.yaml is read: a cold start that only answers a health check need not wait for it.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
