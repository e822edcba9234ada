"""The closed sets of words that rows, pages and messages use. No rule lives here."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """Where a promotion is: derived from its first goal that does not hold, assigned nowhere else."""

    RECEIVED = "Received"
    GATING = "Gating"
    AWAITING_APPROVAL = "AwaitingApproval"
    REGISTERING = "Registering"
    DEPLOYING = "Deploying"
    VERIFYING = "Verifying"
    SHIFTING = "Shifting"
    ROLLING_BACK = "RollingBack"
    ENDED = "Ended"


class Verdict(StrEnum):
    """How a promotion ends. Superseded, Expired and Unchanged are neutral, not failures."""

    LIVE = "Live"
    REJECTED = "Rejected"
    EXPIRED = "Expired"
    SUPERSEDED = "Superseded"
    UNCHANGED = "Unchanged"
    FAILED = "Failed"
    ERRORED = "Errored"
    ABORTED = "Aborted"
    ROLLED_BACK = "RolledBack"


class Reason(StrEnum):
    """Machine-readable why of an end. docs/operators.md says what to do about each."""

    LIVE = "live"
    NOT_FOUND = "not_found"
    ARCHIVED = "archived"
    BYTES_CHANGED = "bytes_changed"
    UNCHANGED = "unchanged"
    PREFLIGHT = "preflight"
    UNLOADABLE = "unloadable"
    INSTANCE_TYPE = "instance_type"
    QUOTA = "quota"
    RIGHTS = "rights"
    GATE = "gate"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    LAPSED = "lapsed"
    REGISTER = "register"
    ENDPOINT = "endpoint"
    DEPLOY = "deploy"
    PROBE = "probe"
    GOLDEN = "golden"
    LATENCY = "latency"
    SIGNATURE = "signature"
    FOREIGN_CHANGE = "foreign_change"
    GAVE_UP = "gave_up"
    ABORTED = "aborted"
    WITHDRAWN = "withdrawn"
    ADOPTED = "adopted"
    UNHEALTHY = "unhealthy"
    ROLLBACK = "rollback"


class FactKind(StrEnum):
    """What intake accepts into a slot."""

    REGISTERED = "registered"
    OFFERED = "offered"
    COMMANDED = "commanded"
