"""What Azure ML says when something fails, what it means, what is done about it, and the fix in words. Pure.

RETRY helps by itself · WAIT may pass with time · ASK needs a person, and is tried again meanwhile, slowly ·
STOP never gets better by trying. The sentence of the service is kept as it is; this is said beside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Remedy(StrEnum):
    """What is done about a failure."""

    RETRY = "retry"
    WAIT = "wait"
    ASK = "ask"
    STOP = "stop"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One kind of failure. A row of docs/operators.md."""

    name: str
    codes: tuple[str, ...] = ()
    """The service's own; they decide before any words do."""
    signs: str = ""
    """Pattern over its words; case does not matter."""
    remedy: Remedy
    means: str
    fix: str
    tries: int = 1
    """How often it is tried altogether before it is given up."""
    pause: float = 60.0
    """Seconds before a failed deployment is tried again."""
    longest: float = 300.0
    """Seconds between tries of a call at most: back-off grows up to there."""


FAULTS: tuple[Fault, ...] = (
    Fault(
        name="configuration",
        signs=r"is not the id of a workspace",
        remedy=Remedy.ASK,
        means="greenlight.yaml names a workspace by an id that cannot be one; nothing was asked of Azure",
        fix="Correct what the sentence names, or the setting it comes from; then it goes on.",
        tries=576,
        longest=300.0,
    ),
    Fault(
        name="cancelled",
        codes=(
            "OperationCanceled",
            "OperationCancelled",
        ),
        signs=r"\bcancel+ed\b",
        remedy=Remedy.RETRY,
        means="another operation took precedence; the model is not to blame",
        fix="Nothing, unless it goes on: then see who else works on the endpoint.",
        tries=4,
    ),
    Fault(
        name="capacity",
        codes=(
            "OutOfCapacity",
            "SkuNotAvailable",
        ),
        signs=r"(out of|not enough|insufficient) capacity",
        remedy=Remedy.WAIT,
        means="the region has no free machines of this type just now, whatever the quota says",
        fix="Wait, or give the environment another instance_type in greenlight.yaml.",
        tries=96,
        pause=900.0,
        longest=900.0,
    ),
    Fault(
        name="quota",
        codes=(
            "OutOfQuota",
            "QuotaExceeded",
        ),
        signs=r"not enough quota|(exceed|reached)\w* .{0,40}quota|quota .{0,40}exceeded",
        remedy=Remedy.ASK,
        means="the subscription's quota is used up: blue and green side by side need twice, and 20 % more",
        fix="Raise the quota, or delete what nobody needs (a slot's `orphans`, old endpoints).",
        tries=96,
        pause=900.0,
        longest=900.0,
    ),
    Fault(
        name="image",
        codes=("ImageBuildFailure",),
        signs=r"image build",
        remedy=Remedy.STOP,
        means="the environment of the model could not be built",
        fix="Read the build log that the message names; pin the model's packages; register a new version.",
    ),
    Fault(
        name="crash",
        codes=("ResourceNotReady",),
        signs=r"crash|container .{0,40}exited|(liveness|readiness) probe",
        remedy=Remedy.STOP,
        means="the container started and died, or never answered its probes",
        fix="Read the deployment's log; try the model with the sample request; register a mended version.",
    ),
    Fault(
        name="network",
        codes=("WorkspaceManagedNetworkNotReady",),
        remedy=Remedy.ASK,
        means="the workspace's managed network is not provisioned",
        fix="Provision it (az ml workspace provision-network); it is tried again meanwhile.",
        tries=24,
        pause=900.0,
        longest=900.0,
    ),
    Fault(
        name="authorisation",
        codes=(
            "AuthorizationFailed",
            "Forbidden",
        ),
        signs=r"not have authorization|\b403\b|acrpull",
        remedy=Remedy.ASK,
        means="an identity lacks a right, or a new role is still spreading (that takes up to half an hour)",
        fix="Give the identity the role that the message names; docs/azure.md lists them.",
        tries=14,
        pause=300.0,
    ),
    Fault(
        name="name taken",
        codes=("NameUnavailable",),
        signs=r"name .{0,80}(is taken|already (in use|taken)|not available)",
        remedy=Remedy.STOP,
        means="somebody else in this Azure region has an endpoint of that name",
        fix="Give the environment another endpoint name in greenlight.yaml, with a suffix of your own.",
    ),
    Fault(
        name="not found yet",
        codes=("ResourceNotFound",),
        signs=r"was not found|\b404\b",
        remedy=Remedy.RETRY,
        means="something that the deployment needs is not visible to the platform",
        fix="See whether the model, its image and its registry are still there.",
        tries=3,
    ),
    Fault(
        name="argument",
        codes=(
            "BadArgument",
            "ValidationException",
            "BadRequest",
            "UserError",
        ),
        signs=r"\b400\b",
        remedy=Remedy.STOP,
        means="the platform refuses what it was asked for",
        fix="Read the sentence: it names the field; correct greenlight.yaml or the model.",
    ),
    Fault(
        name="busy",
        codes=(
            "Conflict",
            "TooManyRequests",
        ),
        signs=r"\b(409|429)\b|updating state|in an operation|in progress",
        remedy=Remedy.RETRY,
        means="another operation is under way at the endpoint, or the platform throttles",
        fix="Nothing: it is tried again.",
        tries=40,
    ),
    Fault(
        name="platform",
        codes=(
            "InternalServerError",
            "ServiceUnavailable",
        ),
        signs=r"internal error|\b50[0234]\b|no answer|timed? ?out",
        remedy=Remedy.RETRY,
        means="the platform failed or did not answer",
        fix="Nothing at first; if it goes on, see Azure's status page and open a ticket.",
        tries=40,
    ),
)
UNKNOWN = Fault(
    name="unknown",
    remedy=Remedy.STOP,
    means="it is none of the failures that are known",
    fix="Read the sentence and the deployment's log.",
    tries=40,
)
DEPLOYMENTS = 4
"""A deployment that failed is made anew so often at most, except while a person or time must help."""
PATIENT_DEPLOYMENTS = 96
"""And then so often: a day of quarters of an hour."""

_CODES = tuple(
    (fault, re.compile(rf"\b({'|'.join(fault.codes)})\b", re.IGNORECASE)) for fault in FAULTS if fault.codes
)
_SIGNS = tuple((fault, re.compile(fault.signs, re.IGNORECASE)) for fault in FAULTS if fault.signs)


def classify(text: str) -> Fault:
    """The kind whose code, or else whose words are in `text`; UNKNOWN: none."""
    return next((fault for fault, signs in (*_CODES, *_SIGNS) if signs.search(text)), UNKNOWN)


def patient(fault: Fault) -> bool:
    """Is it worth trying for long, although the service said no? Time or a person may help."""
    return fault.remedy in (Remedy.WAIT, Remedy.ASK)


def deployments(fault: Fault) -> int:
    """How many deployments may fail like this before the promotion is given up."""
    if fault.remedy is Remedy.STOP:
        return 1
    return min(fault.tries, PATIENT_DEPLOYMENTS if patient(fault) else DEPLOYMENTS)
