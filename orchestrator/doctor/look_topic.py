"""Looks at the topic for Greenlight's own events. Nothing is published: the app sends a batch of none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from orchestrator.doctor import own_topic
from orchestrator.doctor.finding import Finding, Unseen
from orchestrator.doctor.look_azure import subscriptions_of, whom
from orchestrator.doctor.own_topic import OwnTopicSeen
from orchestrator.doctor.scene import EVENT_GRID_API, Scene
from orchestrator.doctor.tried import WELL, Fault, Tried
from shared.errors import GreenlightError, Refused
from shared.rights import Granted


def topic(scene: Scene) -> Iterator[Finding]:
    """Nothing is said where none is configured."""
    endpoint = scene.settings.events_topic
    if not endpoint:
        return
    host, principal = endpoint.partition("://")[2].partition("/")[0], whom(scene)
    who = "" if isinstance(principal, Unseen) else principal
    seen = OwnTopicSeen(host=host, principal=who, answers=_sent(scene, endpoint))
    if not scene.as_app:
        place, granted = ("", principal) if isinstance(principal, Unseen) else _granted(scene, endpoint, who)
        seen = OwnTopicSeen(
            host=host, principal=who, answers=_knocked(seen.answers), topic=place, granted=granted
        )
    yield from own_topic.judge(seen, endpoint, scene.names)


def _sent(scene: Scene, endpoint: str) -> Tried:
    """The right is looked at before the request: one that is only refused for its form was allowed."""
    publish = scene.ports.publish
    if publish is None:
        raise AssertionError("no port publishes events")
    try:
        publish(endpoint)
    except Refused:
        return WELL
    except GreenlightError as error:
        return Tried.failed(error)
    return WELL


def _knocked(answers: Tried) -> Tried:
    """Whoever else asks may be refused, which the topic itself had to say."""
    return WELL if answers.fault is Fault.FORBIDDEN else answers


def _granted(scene: Scene, endpoint: str, principal: str) -> tuple[str, tuple[Granted, ...] | Unseen]:
    for subscription in sorted(subscriptions_of(scene)):
        place = f"/subscriptions/{subscription}/providers/Microsoft.EventGrid/topics"
        for each in scene.arm_list("list Event Grid topics", place, EVENT_GRID_API):
            told = cast("dict[str, Any]", each.get("properties") or {})
            if str(told.get("endpoint") or "").lower() == endpoint.lower():
                found = str(each.get("id") or "")
                return found, scene.assigned(found, principal)
    why = "the topic is in none of the workspaces' subscriptions that you may list: its roles were not read"
    return "", Unseen(why, "az eventgrid topic list --query '[].{id: id, endpoint: endpoint}'")
