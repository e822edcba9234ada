"""Looks at what people meet: webhooks, keys, the app's front door, clocks. A stranger's GETs only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from orchestrator.doctor import people
from orchestrator.doctor.finding import Code, Finding, Unseen
from orchestrator.doctor.people import AppSeen, ClockSeen, HookSeen, KeysSeen
from orchestrator.doctor.scene import Scene, body_of, error_of
from shared.errors import GreenlightError
from shared.link_keys import LinkKey
from shared.links import Links, RequestRef

if TYPE_CHECKING:
    from orchestrator.approval_policy import AskedEntry
    from orchestrator.policy import EnvironmentPolicy
    from shared.ports import Answer

_HTML = {"Accept": "text/html"}
_UNTOLD = {"", "null"}


def hooks(scene: Scene) -> Iterator[Finding]:
    """A GET starts no flow and posts no card: its trigger takes POST alone."""
    for name, url in _hooks(scene).items():
        try:
            answer = scene.ask("GET", url)
        except GreenlightError as error:
            wrong = f"{name} cannot be reached: {error}"
            mend = "greenlight doctor"
            yield Finding(code=Code.TEAMS_SILENT, where=name, wrong=wrong, mend=mend)
            continue
        code, _ = error_of(body_of(answer))
        yield from people.judge_hook(HookSeen(name=name, status=answer.status, code=code))


def _hooks(scene: Scene) -> dict[str, str]:
    own = scene.settings.teams_webhook
    found = {"GREENLIGHT_TEAMS_WEBHOOK": own} if own else {}
    for env in scene.policy.file.every_environment():
        for entry in env.approval.approvers if env.approval else ():
            if entry.webhook:
                found[f"channel of {entry.name} in {env.name}"] = entry.webhook
    return found


def keys(scene: Scene) -> Iterator[Finding]:
    parsed, now = [LinkKey.parse(key) for key in scene.settings.link_keys], scene.ports.clock.now()
    lives = [e.approval.expires for e in scene.policy.file.every_environment() if e.approval]
    longest = max(lives, default=timedelta())
    yield from people.judge_keys(
        KeysSeen(keys=parsed, journal=scene.settings.journal_key, longest=longest, now=now)
    )
    if any(key.in_force(now) for key in parsed):  # does what it signs open again?
        links = Links(scene.settings.link_keys, clock=scene.ports.clock)
        reference = RequestRef("doctor.none.1.1", 1)
        if links.open_review(links.review_token(reference)) != reference:
            raise AssertionError("a link leads elsewhere than it was made for")


def clocks(scene: Scene) -> Iterator[Finding]:
    allowed = scene.settings.skew.total_seconds()
    app = f"{scene.settings.base_url}/healthz"  # what the app itself answers, and not a door before it
    for url in (scene.settings.cloud.arm, scene.settings.table_endpoint, app):
        host = url.partition("://")[2].partition("/")[0]
        before = scene.ports.clock.now()
        try:
            answer = scene.ask("GET", url)
        except GreenlightError as error:
            yield Unseen(f"the clock of {host}: {error}").finding(host)
            continue
        after = scene.ports.clock.now()
        try:
            told = parsedate_to_datetime(answer.headers.get("date", ""))
        except ValueError:
            yield Unseen(f"{host} tells no time").finding(host)
            continue
        told = told if told.tzinfo else told.replace(tzinfo=UTC)
        middle, half = before + (after - before) / 2, (after - before).total_seconds() / 2
        ahead = (told - middle).total_seconds() + 0.5  # the header has whole seconds, cut off
        yield from people.judge_clock(ClockSeen(host=host, ahead=ahead, unsure=half + 0.5), allowed)


def front(scene: Scene) -> Iterator[Finding]:
    url = scene.settings.base_url
    health = _status(scene, f"{url}/healthz")
    page = _status(scene, f"{url}/")
    told = scene.variables.get("WEBSITE_AUTH_ENABLED")
    said = "" if isinstance(health, Unseen) else _said(health)
    seen = AppSeen(
        url=url,
        page=page if isinstance(page, Unseen) else page.status,
        health=health if isinstance(health, Unseen) else health.status,
        said=said,
        auth=None if told is None else scene.settings.auth_enabled,
        needs=tuple(_must_sign_in(scene)),
    )
    yield from people.judge_app(seen, scene.names)


def _status(scene: Scene, url: str) -> Answer | Unseen:
    try:
        return scene.ask("GET", url, headers=_HTML)
    except GreenlightError as error:
        return Unseen(str(error))


def _said(answer: Answer) -> str:
    told = body_of(answer)
    code, message = error_of(told)
    return f"{code}: {message}" if code else str(told.get("status") or "")


def _must_sign_in(scene: Scene) -> Iterator[str]:
    """Who of greenlight.yaml can act in no other way: not by a personal link, not through a channel."""
    spoken = {v.id.lower() for c in scene.policy.file.channels if c.public_keys for v in c.voters}
    for env in scene.environments:
        who = [a.name for a in _approvers(env, spoken)]
        if who:
            yield f"{', '.join(who)} (approval in {env.name})"
        if operators := [o.name for o in env.operators if o.key not in _UNTOLD]:
            yield f"{', '.join(operators)} (operators of {env.name})"


def _approvers(env: EnvironmentPolicy, spoken: set[str]) -> Iterator[AskedEntry]:
    for entry in env.approval.approvers if env.approval else ():
        if not entry.webhook and entry.key not in spoken:
            yield entry
