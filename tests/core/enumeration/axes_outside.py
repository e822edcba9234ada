"""WHICH WORLDS, the outside: what the platform holds, and what it says of how deployments answer."""

from __future__ import annotations

from enum import auto
from typing import NamedTuple

from tests.core.enumeration.axes import Axis


class Owner(Axis):
    """Who owns the endpoint's name."""

    NOBODY = auto()
    US = auto()
    OTHER = auto()


class Target(Axis):
    """The chosen version in the target's registry."""

    ABSENT = auto()
    OURS = auto()
    OTHER_BYTES = auto()
    OTHER_PLACE = auto()
    """Our digest is written on it, but it points elsewhere than at the frozen copy."""


class Source(Axis):
    """The registration that a pending event announced."""

    ABSENT = auto()
    NEW = auto()
    KNOWN = auto()
    ARCHIVED = auto()


class Kind(Axis):
    """The endpoint itself."""

    ABSENT = auto()
    CREATING = auto()
    SUCCEEDED = auto()
    UPDATING = auto()
    FAILED = auto()
    FOREIGN = auto()
    """At rest, with another slot's mark."""
    UNMARKED = auto()
    """At rest, with nobody's mark."""


class Dep(Axis):
    """One deployment."""

    ABSENT = auto()
    CREATING = auto()
    SUCCEEDED = auto()
    UPDATING = auto()
    FAILED = auto()
    DELETING = auto()


class Traffic(Axis):
    """Who gets the requests."""

    NONE = auto()
    STABLE = auto()
    CANDIDATE = auto()
    SPLIT = auto()
    """Half and half between candidate and stable (or a stranger, where nothing serves)."""
    RETIRED = auto()
    FOREIGN = auto()
    """A deployment that the slot does not know."""
    MIRROR = auto()
    """Stable has all requests, and the candidate a fifth of them as copies: the first step of a canary."""
    TENTH = auto()
    """A tenth for the candidate: the second step."""


class Health(Axis):
    """What candidate and stable answered since the step began."""

    WELL = auto()
    SICK = auto()
    FEW = auto()
    """Too few answers to say."""
    SILENT = auto()
    """Nobody asked."""
    UNKNOWN = auto()
    """The metrics could not be read."""


class Online(NamedTuple):
    """An endpoint as it is read."""

    kind: Kind
    candidate: Dep = Dep.ABSENT
    stable: Dep = Dep.ABSENT
    retired: Dep = Dep.ABSENT
    traffic: Traffic = Traffic.NONE
    tag_right: bool = True
    """Do the tags name who gets the requests, as our writes make them? A hand leaves them as they were."""
    other: bool = False
    """Does the candidate run another version than it was deployed with?"""
