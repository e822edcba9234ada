"""How one harmless call went. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shared.errors import Conflict, Forbidden, GreenlightError, NotFound


class Fault(StrEnum):
    """Why it did not go well."""

    MISSING = "missing"
    FORBIDDEN = "forbidden"
    OTHER = "other"


@dataclass(frozen=True)
class Tried:
    """`fault` None: it went well."""

    fault: Fault | None = None
    why: str = ""

    @staticmethod
    def failed(error: GreenlightError) -> Tried:
        match error:
            case NotFound():
                return Tried(Fault.MISSING, str(error))
            case Forbidden():
                return Tried(Fault.FORBIDDEN, str(error))
            case Conflict():  # a condition that was meant to fail: the right to write was not in question
                return Tried()
            case _:
                return Tried(Fault.OTHER, str(error))


WELL = Tried()
