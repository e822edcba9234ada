"""The channels on which people are told: what a notice becomes on each, and where it goes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from orchestrator.delivering import Telling
from orchestrator.outbox import EVENTS
from orchestrator.outside import Notify
from orchestrator.personal import asked_on, personal_channels, webhooks_of
from shared.errors import Invalid, NotFound, Unavailable
from shared.links import Links
from shared.notify.eventgrid import Publish
from shared.notify.teams import PostCard
from shared.queues import APPROVAL_REQUESTS, QueuePort
from shared.settings import EVENTS as EVENTS_TOPIC
from shared.settings import TEAMS, Settings

if TYPE_CHECKING:
    from orchestrator.policy import Policy


def everybodys(
    settings: Settings, links: Links, queues: QueuePort, post: PostCard, publish: Publish | None
) -> dict[str, Notify]:
    """The queue; Teams and the topic when configured, if wrongly: notices wait until it is mended."""

    def to_queue(telling: Telling) -> None:
        from orchestrator.notices import message_of  # no event and no vote needs the cards

        queues.send(APPROVAL_REQUESTS, message_of(telling, base_url=settings.base_url))

    def to_teams(telling: Telling) -> None:
        from orchestrator.notices import card_of

        if not settings.teams_webhook:
            raise Unavailable(f"{TEAMS} is wrong")
        card = card_of(telling, links=links, base_url=settings.base_url)
        post(settings.teams_webhook, card, patience(settings))

    def to_topic(telling: Telling) -> None:
        from orchestrator.notices import event_of

        if not settings.events_topic or publish is None:
            raise Unavailable(f"{EVENTS_TOPIC} is wrong")
        try:
            publish(settings.events_topic, event_of(telling, base_url=settings.base_url))
        except NotFound as error:  # about the address, and not about this event
            raise Unavailable(str(error)) from error

    flawed = {flaw.where for flaw in settings.flaws}
    channels: dict[str, Notify] = {"queue": to_queue}
    if settings.teams_webhook or TEAMS in flawed:
        channels["teams"] = to_teams
    if settings.events_topic or EVENTS_TOPIC in flawed:
        channels[EVENTS] = to_topic
    return channels


def single_persons(settings: Settings, policy: Policy, links: Links, post: PostCard) -> dict[str, Notify]:
    """Channels that one person reads. Where nobody can sign in, their links are identities."""

    def to_person(telling: Telling, channel: str) -> None:
        from orchestrator.notices import card_of

        asked = asked_on(policy, telling, channel)
        person = "" if settings.auth_enabled else asked.key
        card = card_of(telling, links=links, base_url=settings.base_url, person=person)
        post(asked.webhook, card, patience(settings))

    environments = tuple(policy.file.every_environment())
    names = {name for env in environments for name in personal_channels(env)}
    if settings.teams_webhook and settings.teams_webhook in webhooks_of(environments):
        raise Invalid("greenlight.yaml: a personal channel has the address of GREENLIGHT_TEAMS_WEBHOOK")
    return {name: partial(to_person, channel=name) for name in names}


def patience(settings: Settings) -> float:
    """Seconds that one channel may take."""
    return min(5.0, settings.deadline.total_seconds() / 2)
