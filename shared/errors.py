"""The error tree. Every failure that crosses a port is one of these, and says whether to try again.

GreenlightError
├── Retryable            try later: the same call may succeed
│   ├── Busy             throttled, locked, or an operation is in flight (has `after`, seconds)
│   ├── Unavailable      5xx, connection refused, name not resolved
│   └── Unknown          no answer in time: the effect may or may not have happened; observe before repeating
├── Conflict             a conditional write lost: reload, decide again; never repeat the effect
└── Final                trying again cannot help
    ├── NotFound         what was named does not exist
    ├── Refused          the service understood and said no (has `code`)
    ├── Forbidden        the identity lacks a right (has `action` when known)
    └── Invalid          input or configuration is wrong; the message says what, where and what to do
"""

from __future__ import annotations


class GreenlightError(Exception):
    """Base of everything the product raises on purpose. `retry`: may the same call succeed later?"""

    retry = False


class Retryable(GreenlightError):
    """The same call may succeed later."""

    retry = True

    def __init__(self, message: str, *, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class Busy(Retryable):
    """Throttled or locked; `after` is the service's own advice in seconds, if it gave one."""


class Unavailable(Retryable):
    """The service did not work this time."""


class Unknown(Retryable):
    """No answer in time. The effect may have happened: observe before repeating."""


class Conflict(GreenlightError):
    """A conditional write lost against another writer."""


class Final(GreenlightError):
    """Trying again cannot help."""


class NotFound(Final):
    """What was named does not exist."""


class Refused(Final):
    """The service understood the request and said no."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class Forbidden(Final):
    """The calling identity lacks a right."""

    def __init__(self, message: str, *, action: str = "") -> None:
        super().__init__(message)
        self.action = action


class Invalid(Final):
    """Input or configuration is wrong."""
