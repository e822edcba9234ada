"""The channels on which people are told: what a notice becomes on each, and where it goes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from orchestrator.delivering import Telling
from orchestrator.outside import Notify
from orchestrator.personal import asked_on, personal_channels, webhooks_of
from shared.errors import Invalid, Unavailable
from shared.links import Links
from shared.notify.teams import PostCard
from shared.queues import APPROVAL_REQUESTS, QueuePort
from shared.settings import TEAMS, Settings

if TYPE_CHECKING:
    from orchestrator.policy import Policy


def everybodys(settings: Settings, links: Links, queues: QueuePort, post: PostCard) -> dict[str, Notify]:
    """The queue, and Teams when it is configured, if wrongly: notices wait until it is mended."""

    def to_queue(telling: Telling) -> None:
        from orchestrator.notices import message_of  # no event and no vote needs the cards

        queues.send(APPROVAL_REQUESTS, message_of(telling, base_url=settings.base_url))

    def to_teams(telling: Telling) -> None:
        from orchestrator.notices import card_of

        if not settings.teams_webhook:
            raise Unavailable(f"{TEAMS} is wrong")
        card = card_of(telling, links=links, base_url=settings.base_url)
        post(settings.teams_webhook, card, _patience(settings))

    wanted = settings.teams_webhook or any(flaw.where == TEAMS for flaw in settings.flaws)
    return {"queue": to_queue, "teams": to_teams} if wanted else {"queue": to_queue}


def single_persons(settings: Settings, policy: Policy, links: Links, post: PostCard) -> dict[str, Notify]:
    """Channels that one person reads. Where nobody can sign in, their links are identities."""

    def to_person(telling: Telling, channel: str) -> None:
        from orchestrator.notices import card_of

        asked = asked_on(policy, telling, channel)
        person = "" if settings.auth_enabled else asked.key
        card = card_of(telling, links=links, base_url=settings.base_url, person=person)
        post(asked.webhook, card, _patience(settings))

    environments = tuple(policy.file.every_environment())
    names = {name for env in environments for name in personal_channels(env)}
    if settings.teams_webhook and settings.teams_webhook in webhooks_of(environments):
        raise Invalid("greenlight.yaml: a personal channel has the address of GREENLIGHT_TEAMS_WEBHOOK")
    return {name: partial(to_person, channel=name) for name in names}


def _patience(settings: Settings) -> float:
    return min(5.0, settings.deadline.total_seconds() / 2)
