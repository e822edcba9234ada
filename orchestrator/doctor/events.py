"""The first workspace's system topic, and the subscription on it. Pure.

What is expected is what infra/modules/event-subscription.bicep sets up; tests/infra compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from orchestrator.doctor.finding import Code, Finding, Names, Unseen
from shared.rights import Granted

NAME: Final = "greenlight"
FUNCTION: Final = "on_model_event"
SCHEMA: Final = "EventGridSchema"
TYPES: Final = (
    "Microsoft.MachineLearningServices.ModelRegistered",
    "Microsoft.MachineLearningServices.RunCompleted",
)
ATTEMPTS: Final = 30
MINUTES: Final = 1440
DEAD_LETTERS: Final = "eventgrid-deadletter"
TOPIC_TYPE: Final = "Microsoft.MachineLearningServices.Workspaces"
WRITE_BLOB: Final = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"
READY: Final = "Succeeded"
EVENTS_AGAIN: Final = "sh infra/hooks/events.sh"
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Topic:
    """A system topic as ARM tells it."""

    id: str
    name: str
    source: str
    state: str
    identity: str
    principal: str

    @staticmethod
    def of(told: Json) -> Topic:
        properties, identity = _part(told, "properties"), _part(told, "identity")
        return Topic(
            id=str(told.get("id") or ""),
            name=str(told.get("name") or ""),
            source=str(properties.get("source") or ""),
            state=str(properties.get("provisioningState") or ""),
            identity=str(identity.get("type") or "None"),
            principal=str(identity.get("principalId") or ""),
        )

    @property
    def place(self) -> str:
        """Options of `az` that name it."""
        parts = self.id.split("/")
        return f"--subscription {parts[2]} --resource-group {parts[4]}" if len(parts) > 4 else ""


@dataclass(frozen=True)
class Subscription:
    """An event subscription as ARM tells it."""

    name: str
    topic: Topic
    properties: Json

    @property
    def state(self) -> str:
        return str(self.properties.get("provisioningState") or "")

    @property
    def endpoint(self) -> str:
        """A function's id, or the host of a webhook, whose path may hold a secret."""
        destination = _part(self.properties, "destination")
        inner = _part(destination, "properties")
        return str(inner.get("resourceId") or inner.get("endpointBaseUrl") or destination.get("endpointType"))

    @property
    def ours(self) -> bool:
        return self.name.lower() == NAME or self.endpoint.endswith(f"/functions/{FUNCTION}")

    @property
    def dead_letters(self) -> Json:
        """Where they go, by identity or not."""
        by_identity = _part(self.properties, "deadLetterWithResourceIdentity")
        return _part(
            _part(by_identity, "deadLetterDestination") or _part(self.properties, "deadLetterDestination"),
            "properties",
        )


@dataclass(frozen=True, kw_only=True)
class EventsSeen:
    """`site` and `account`: the function app and state account by name; empty: not known."""

    workspace: str
    topics: tuple[Topic, ...]
    subscriptions: tuple[Subscription, ...]
    deadletter_rights: tuple[Granted, ...] | Unseen
    """What the topic's identity may do with the container of dead letters."""
    site: str = ""
    account: str = ""


def judge(seen: EventsSeen, names: Names) -> Iterator[Finding]:
    first = next(iter(seen.topics), None)
    if first is None:
        wrong = f"no system topic has {seen.workspace} as its source"
        yield Finding(code=Code.TOPIC_MISSING, where=seen.workspace, wrong=wrong, mend=EVENTS_AGAIN)
        return
    if len(seen.topics) > 1:
        yield _second(seen)
    ours = [s for s in seen.subscriptions if s.ours]
    if not ours:
        there = ", ".join(sorted(s.name for s in seen.subscriptions)) or "none"
        wrong = f"no event subscription leads to {FUNCTION} (there: {there})"
        yield Finding(code=Code.SUBSCRIPTION_MISSING, where=first.name, wrong=wrong, mend=EVENTS_AGAIN)
    for topic in seen.topics:
        used = any(s.topic == topic for s in ours)
        yield from _topic(topic, used=used or len(seen.topics) == 1)
    for subscription in ours:
        yield from _subscription(seen, subscription)
        yield from _dead_letters(seen, subscription, names)


def _second(seen: EventsSeen) -> Finding:
    held = {s.topic.name: s.name for s in seen.subscriptions if s.ours}
    told = ", ".join(f"{t.name} ({'holds ours' if t.name in held else 'without ours'})" for t in seen.topics)
    spare = next((t for t in reversed(seen.topics) if t.name not in held), seen.topics[-1])
    mend = f"az eventgrid system-topic delete --name {spare.name} {spare.place} --yes"
    wrong = f"{len(seen.topics)} system topics have this workspace as their source: {told}"
    return Finding(code=Code.TOPIC_SECOND, where=spare.name, wrong=wrong, mend=mend)


def _topic(topic: Topic, *, used: bool) -> Iterator[Finding]:
    if topic.state != READY:
        wrong = f"system topic {topic.name} is {topic.state or 'in no state'}"
        mend = f"az eventgrid system-topic show --name {topic.name} {topic.place}"
        yield Finding(code=Code.TOPIC_STATE, where=topic.name, wrong=wrong, mend=mend)
    if used and "systemassigned" not in topic.identity.lower():
        wrong = f"system topic {topic.name} has no identity of its own ({topic.identity})"
        mend = f"az eventgrid system-topic update --name {topic.name} {topic.place} --identity systemassigned"
        yield Finding(code=Code.TOPIC_IDENTITY, where=topic.name, wrong=wrong, mend=mend)


def _subscription(seen: EventsSeen, subscription: Subscription) -> Iterator[Finding]:
    told, name, topic = subscription.properties, subscription.name, subscription.topic
    on = f"--name {name} --system-topic-name {topic.name} {topic.place}"
    update = f"az eventgrid system-topic event-subscription update {on}"
    anew = f"az eventgrid system-topic event-subscription delete {on} --yes && {EVENTS_AGAIN}"

    def finding(code: Code, wrong: str, mend: str) -> Finding:
        return Finding(code=code, where=f"{topic.name}/{name}", wrong=wrong, mend=mend)

    if subscription.state != READY:
        state = subscription.state or "in no state"
        yield finding(Code.SUBSCRIPTION_STATE, f"event subscription {name} is {state}", anew)
    if wrong := _elsewhere(seen, subscription.endpoint):
        yield finding(Code.SUBSCRIPTION_ENDPOINT, wrong, anew)
    schema = str(told.get("eventDeliverySchema") or SCHEMA)
    if schema != SCHEMA:
        wrong = f"event subscription {name} delivers {schema}, not {SCHEMA}"
        yield finding(Code.SUBSCRIPTION_SCHEMA, wrong, anew)
    types = f"--included-event-types {' '.join(TYPES)}"
    for wrong in _filtered(_part(told, "filter")):
        yield finding(Code.SUBSCRIPTION_FILTER, f"event subscription {name} {wrong}", f"{update} {types}")
    retry = _part(told, "retryPolicy")
    attempts = int(retry.get("maxDeliveryAttempts") or ATTEMPTS)
    minutes = int(retry.get("eventTimeToLiveInMinutes") or MINUTES)
    if attempts < ATTEMPTS or minutes < MINUTES:
        wrong = f"event subscription {name} gives an event up after {attempts} attempts or {minutes} minutes"
        # `update` has no option for it; the template writes ours again as it should be.
        yield finding(Code.SUBSCRIPTION_RETRY, wrong, EVENTS_AGAIN if name == NAME else anew)


def _elsewhere(seen: EventsSeen, endpoint: str) -> str:
    """Why these events do not reach our function; empty: they do."""
    if not endpoint.endswith(f"/functions/{FUNCTION}"):
        return f"events go to {endpoint}, not to the function {FUNCTION}"
    parts = endpoint.lower().split("/sites/")
    site = parts[1].partition("/")[0] if len(parts) == 2 else ""
    if seen.site and site != seen.site.lower():
        return f"events go to the function app {site or endpoint}, not to {seen.site}"
    return ""


def _filtered(rules: Json) -> Iterator[str]:
    included = rules.get("includedEventTypes")
    if included is not None:
        given = {str(each).lower() for each in included}
        missing = [each for each in TYPES if each.lower() not in given]
        if missing:
            yield f"lets {', '.join(missing)} not through"
    for key in ("subjectBeginsWith", "subjectEndsWith"):
        if rules.get(key):
            yield f"lets only subjects through whose {key} is {rules[key]}"
    if rules.get("advancedFilters"):
        yield "has advanced filters, which may drop any event"


def _dead_letters(seen: EventsSeen, subscription: Subscription, names: Names) -> Iterator[Finding]:
    name, topic = subscription.name, subscription.topic
    target = subscription.dead_letters
    account = str(target.get("resourceId") or "").rpartition("/")[2]
    container = str(target.get("blobContainerName") or "")

    def finding(code: Code, wrong: str, mend: str = EVENTS_AGAIN) -> Finding:
        return Finding(code=code, where=f"{topic.name}/{name}", wrong=wrong, mend=mend)

    if not target:
        yield finding(Code.DEAD_LETTERS, f"event subscription {name} has no dead-letter container")
        return
    if container != DEAD_LETTERS or (seen.account and account.lower() != seen.account):
        wrong = f"undelivered events go to {account}/{container}, not to {seen.account}/{DEAD_LETTERS}"
        yield finding(Code.DEAD_LETTERS, wrong)
    if not _part(subscription.properties, "deadLetterWithResourceIdentity"):
        wrong = f"event subscription {name} writes dead letters without an identity"
        yield finding(Code.DEAD_LETTER_IDENTITY, wrong)
    granted = seen.deadletter_rights
    if isinstance(granted, Unseen):
        yield granted.finding(f"rights of {topic.name} on {container}")
    elif not any(role.allows_data(WRITE_BLOB) for role in granted):
        scope = f"{target.get('resourceId')}/blobServices/default/containers/{container}"
        mend = names.assign("Storage Blob Data Contributor", scope, topic.principal)
        wrong = f"the identity of {topic.name} ({topic.principal}) may not write to {account}/{container}"
        yield finding(Code.DEAD_LETTER_RIGHTS, wrong, mend)


def _part(told: Json, key: str) -> Json:
    found = told.get(key)
    return cast("Json", found) if isinstance(found, Mapping) else {}
