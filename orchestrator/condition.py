"""What the app cannot do as it is set up, and why: what `/healthz` says, and the log of a start.

It reads one row, those of channels in trouble, and the properties of one queue, and that seldom, whoever asks
how often.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from orchestrator.channel_troubles import ChannelTrouble, ChannelTroubles
from orchestrator.outbox import EVENTS
from orchestrator.rows import Unreadable
from orchestrator.sources import MEND_WATERMARK, Sources, Watermark
from shared.arm_id import WorkspaceId
from shared.clock import Clock
from shared.errors import GreenlightError, Invalid
from shared.link_keys import LinkKey
from shared.queues import WAKES, QueuePort
from shared.settings import Flaw, Settings

if TYPE_CHECKING:
    from orchestrator.policy import EnvironmentPolicy, Policy

FRESH = timedelta(seconds=15)
"""How long an answer is good for: `/healthz` is open to everybody, and must not be a way to make work."""
SILENT = timedelta(minutes=15)
"""A listing of the first environment that is so late was not asked for: no sweep runs."""
SOON = timedelta(days=7)
"""Links live for days: a key is renewed before its last one."""

log = logging.getLogger("greenlight")


class Condition:
    """Settings and policy as they were read; tables and queue as they answer."""

    def __init__(
        self,
        *,
        settings: Settings,
        policy: Policy,
        sources: Sources,
        troubles: ChannelTroubles,
        queues: QueuePort,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._policy = policy
        self._sources = sources
        self._troubles = troubles
        self._queues = queues
        self._clock = clock
        self._lock = threading.Lock()
        self._until: datetime | None = None
        self._last = self.as_set_up()

    def as_set_up(self) -> tuple[Flaw, ...]:
        """What can be told without asking anybody."""
        return (
            *self._settings.flaws,
            *_keys(self._settings, self._clock.now()),
            *_workspaces(self._policy),
            *_sign_in(self._settings, self._policy),
        )

    def flaws(self) -> tuple[Flaw, ...]:
        """All that is wrong now, or was a moment ago. One caller looks; the others get what was last seen."""
        now = self._clock.now()
        if (self._until is None or now >= self._until) and self._lock.acquire(blocking=False):
            try:
                self._last = (*self.as_set_up(), *self._live(now))
                self._until = self._clock.now() + FRESH
            finally:
                self._lock.release()
        return self._last

    def say(self) -> None:
        """Once at the start, into the log: where sign-in is off, nobody reads it anywhere else."""
        for flaw in self.as_set_up():
            log.warning("degraded, %s: %s; %s. %s", flaw.where, flaw.wrong, flaw.refused, flaw.fix)

    def _live(self, now: datetime) -> Iterator[Flaw]:
        try:
            mark = self._sources.watermark(self._policy.source.name)
        except Unreadable as error:
            yield Flaw("the watermark", str(error), "lost events are not found", MEND_WATERMARK)
        except GreenlightError as error:
            yield Flaw("the tables", str(error), "nothing is decided; what comes in waits", _FIX_STATE)
        else:
            yield from _listing(mark, self._policy.source, now)
            yield from map(_channel, self._troubles.now())
        try:
            self._queues.check(WAKES)
        except GreenlightError as error:
            yield Flaw("the queues", str(error), "nobody is told; work waits for the sweep", _FIX_STATE)


_FIX_STATE = (
    "Is the account of GREENLIGHT_STORAGE__… right and reachable, and has the app's identity its data roles"
    " (docs/azure.md)? Then it goes on by itself."
)
_FIX_KEYS = "Put a new key before the others in GREENLIGHT_LINK_KEYS (docs/deploy.md, Rotate a key)."


def _keys(settings: Settings, now: datetime) -> Iterator[Flaw]:
    keys = [LinkKey.parse(text) for text in settings.link_keys]
    in_force = [key for key in keys if key.in_force(now)]
    where = "GREENLIGHT_LINK_KEYS"
    if not in_force:
        wrong = "every key has expired" if keys else "no key can be used"
        refused = "no card and no review page can be made; notices wait, and votes through channels count"
        yield Flaw(where, wrong, refused, _FIX_KEYS)
        return
    last = None if any(key.until is None for key in in_force) else max(k.until for k in in_force if k.until)
    if last is not None and last - now < SOON:
        wrong = f"the last key that is in force expires at {last:%Y-%m-%d %H:%M} UTC"
        yield Flaw(where, wrong, "nothing yet; then no link can be made or opened", _FIX_KEYS)


def _workspaces(policy: Policy) -> Iterator[Flaw]:
    for env in policy.file.environments:
        try:
            WorkspaceId.parse(env.workspace)
        except Invalid as error:
            refused = f"nothing is promoted in {env.name}; what was accepted for it waits for two days"
            fix = "Correct it in greenlight.yaml, or the setting it is taken from, and restart the app."
            yield Flaw(f"greenlight.yaml, workspace of {env.name}", str(error), refused, fix)


def _sign_in(settings: Settings, policy: Policy) -> Iterator[Flaw]:
    """With sign-in off nobody is anybody: those who have no channel that proves them cannot act."""
    if settings.auth_enabled:
        return
    proven = {v.id for channel in policy.file.channels if channel.public_keys for v in channel.voters}
    unable = [said for env in policy.file.environments for said in _unable(env, proven)]
    if unable:
        wrong = f"it is off (WEBSITE_AUTH_ENABLED), and these have no other way to act: {'; '.join(unable)}"
        refused = "their votes and commands; whoever reaches the app may read"
        fix = "Register the app (infra/hooks/signin.sh), deploy phase one, run it again (docs/deploy.md)."
        yield Flaw("App Service Authentication", wrong, refused, fix)


def _unable(env: EnvironmentPolicy, proven: set[str]) -> Iterator[str]:
    approvers = env.approval.approvers if env.approval else ()
    voiceless = [a.name for a in approvers if not a.webhook and a.key not in proven]
    if voiceless:
        yield f"approvers of {env.name} ({', '.join(voiceless)})"
    if env.operators:
        yield f"operators of {env.name} ({', '.join(o.name for o in env.operators)})"


def _channel(trouble: ChannelTrouble) -> Flaw:
    wrong = f"{trouble.why} (last tried at {trouble.at:%Y-%m-%d %H:%M} UTC)"
    refused = "people are told nothing there; notices wait for two days, and go out on the other channels"
    fix = "`greenlight doctor --only webhooks` says what it is; docs/deploy.md has how to renew an address."
    if trouble.channel == EVENTS:
        refused = "no event is published; they wait for two days, and people are told as ever"
        fix = "`greenlight doctor --only 'own topic'` says what it is (docs/events.md)."
    return Flaw(f"the channel {trouble.channel}", wrong, refused, fix)


def _listing(mark: Watermark | None, source: EnvironmentPolicy, now: datetime) -> Iterator[Flaw]:
    """No mark: the app has not swept for the first time yet."""
    if mark is None:
        return
    if now - mark.due > SILENT:
        wrong = f"{source.name} should have been listed at {mark.due:%Y-%m-%d %H:%M} UTC, and was not"
        refused = "what nobody wakes is not looked at; lost events are not found"
        fix = "Do on_sweep and on_wake run? See their log, and GREENLIGHT_SWEEP_SCHEDULE."
        yield Flaw("the sweep", wrong, refused, fix)
    if mark.trouble:
        refused = f"events lost meanwhile are not found; {source.name} is listed again by itself"
        fix = "Is it the workspace's id, the network, or the identity's role there (docs/azure.md)?"
        where = f"the workspace of {source.name}"
        if source.source:
            where, fix = source.source, "`greenlight doctor --only registry` says what it is."
            refused = f"new versions are not found; {source.source} is listed again by itself"
        yield Flaw(where, mark.trouble, refused, fix)
