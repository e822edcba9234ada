"""What people meet: cards in Teams, links and their keys, sign-in; and the clocks they go by. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.doctor.finding import Code, Finding, Names, Unseen
from shared.link_keys import LinkKey

DEGRADED = "degraded"
_NEW_KEY = (
    'old=$(az keyvault secret show --vault-name "$keyVault" --name link-keys --query value --output tsv)\n'
    "printf '%s,%s' \"$(openssl rand -base64 48 | tr -d '\\n')\" \"$old\" | az keyvault secret set "
    '--vault-name "$keyVault" --name link-keys --file /dev/stdin --output none\n'
    "sh infra/hooks/reread.sh"
)


@dataclass(frozen=True, kw_only=True)
class HookSeen:
    """What a webhook answered to a GET, which starts no flow and posts no card."""

    name: str
    status: int
    code: str = ""


def judge_hook(seen: HookSeen) -> Iterator[Finding]:
    anew = 'az keyvault secret set --vault-name "$keyVault" --name teams-webhook --file address.txt'
    reread = "sh infra/hooks/reread.sh"
    mend = f"{anew}\n{reread}" if seen.name == "GREENLIGHT_TEAMS_WEBHOOK" else "renew it in greenlight.yaml"
    if seen.status == 404 and "method" not in seen.code.lower():
        wrong = f"{seen.name} answers 404 {seen.code}".rstrip() + ": the flow was deleted or made anew"
        yield Finding(code=Code.TEAMS_GONE, where=seen.name, wrong=wrong, mend=mend)
    elif seen.status in (401, 403):
        wrong = f"{seen.name} answers {seen.status} {seen.code}".rstrip()
        wrong += ": its address was cut short, it asks for a sign-in, or a policy suspended the flow"
        yield Finding(code=Code.TEAMS_REFUSED, where=seen.name, wrong=wrong, mend=mend)
    elif 300 <= seen.status < 400:
        wrong = f"{seen.name} answers with a redirect ({seen.status}), which is not followed"
        yield Finding(code=Code.TEAMS_REFUSED, where=seen.name, wrong=wrong, mend=mend)
    elif seen.status >= 500:
        yield Finding(
            code=Code.TEAMS_SILENT,
            where=seen.name,
            wrong=f"{seen.name} answers {seen.status}",
            mend="greenlight doctor",
        )


@dataclass(frozen=True, kw_only=True)
class KeysSeen:
    """The link keys, newest first."""

    keys: Sequence[LinkKey]
    journal: bytes
    longest: timedelta
    """How long a request may stay open."""
    now: datetime


def judge_keys(seen: KeysSeen) -> Iterator[Finding]:
    where, count = "GREENLIGHT_LINK_KEYS", len(seen.keys)
    at = next((n for n, key in enumerate(seen.keys) if key.in_force(seen.now)), None)
    for n, key in enumerate(seen.keys[: count if at is None else at], start=1):
        signs = "no key is in force" if at is None else f"key {at + 1} signs instead"
        wrong = f"key {n} of {count} expired at {key.until:%Y-%m-%d %H:%M} UTC; {signs}"
        yield Finding(code=Code.KEY_EXPIRED, where=where, wrong=wrong, mend=_NEW_KEY)
    until = seen.keys[at].until if at is not None else None
    if at is not None and until is not None and until < seen.now + seen.longest:
        wrong = (
            f"key {at + 1} of {count}, which signs, goes out of force at {until:%Y-%m-%d %H:%M} UTC; "
            f"a request may stay open for {seen.longest}"
        )
        yield Finding(code=Code.KEY_EXPIRING, where=where, wrong=wrong, mend=_NEW_KEY)
    if any(key.secret.encode() == seen.journal for key in seen.keys):
        wrong = "a link key is the journal's key, too"
        yield Finding(code=Code.KEY_SHARED, where=where, wrong=wrong, mend=_NEW_KEY)


@dataclass(frozen=True, kw_only=True)
class ClockSeen:
    """Another clock: how far ahead of ours, give or take `unsure` (seconds)."""

    host: str
    ahead: float
    unsure: float


def judge_clock(seen: ClockSeen, allowed: float) -> Iterator[Finding]:
    if abs(seen.ahead) - seen.unsure > allowed:
        side = "ahead of" if seen.ahead > 0 else "behind"
        wrong = f"the clock of {seen.host} is {abs(seen.ahead):.0f} s {side} this machine's"
        wrong += f"; GREENLIGHT_SKEW_SECONDS allows {allowed:g}"
        yield Finding(code=Code.CLOCK, where=seen.host, wrong=wrong, mend="sudo chronyc makestep")


@dataclass(frozen=True, kw_only=True)
class AppSeen:
    """What the app answers to a stranger. `page` and `health`: a status; 0: nothing."""

    url: str
    page: int | Unseen
    health: int | Unseen
    said: str = ""
    """What /healthz says when it is not well."""
    auth: bool | None
    """WEBSITE_AUTH_ENABLED; None: it is not set here."""
    needs: Sequence[str] = ()
    """Who of greenlight.yaml must sign in to act, in words."""


def judge_app(seen: AppSeen, names: Names) -> Iterator[Finding]:
    health, page = seen.health, seen.page
    if isinstance(health, Unseen):
        mend = f"az functionapp start --resource-group {names.group} --name {names.app}"
        yield Finding(
            code=Code.APP_SILENT,
            where=seen.url,
            wrong=f"{seen.url}/healthz does not answer: {health.why}",
            mend=mend,
        )
    elif health in (301, 302, 303, 307, 401, 403):
        wrong = f"{seen.url}/healthz answers {health}: it is not among the paths that stay open"
        yield Finding(code=Code.HEALTH_CLOSED, where=seen.url, wrong=wrong, mend=names.deploy())
    elif health == 200 and seen.said == DEGRADED:
        mend = _tell(seen.url)
        wrong = f"{seen.url}/healthz says {DEGRADED}: what the app does without, it tells its operators"
        yield Finding(code=Code.APP_DEGRADED, where=seen.url, wrong=wrong, mend=mend)
    elif health != 200:
        wrong = f"{seen.url}/healthz answers {health}: {seen.said or 'it says nothing'}"
        mend = _tell(seen.url)
        yield Finding(code=Code.APP_UNWELL, where=seen.url, wrong=wrong, mend=mend)
    yield from _sign_in(seen, page, names)


def _tell(url: str) -> str:
    """/healthz itself is open, so the platform may not say there who asks."""
    asked = 'az account get-access-token --scope "$GREENLIGHT_API_SCOPE" --query accessToken --output tsv'
    return f'curl --header "Authorization: Bearer $({asked})" {url}/api/health'


def _sign_in(seen: AppSeen, page: int | Unseen, names: Names) -> Iterator[Finding]:
    if not seen.needs:
        return
    mend = f'eval "$(sh infra/hooks/signin.sh)"\n{names.deploy()}\nsh infra/hooks/signin.sh'
    asks = None if isinstance(page, Unseen) or page >= 500 else page in (301, 302, 303, 307, 401, 403)
    if seen.auth is False or asks is False:
        how = "WEBSITE_AUTH_ENABLED is not true" if seen.auth is False else f"{seen.url} answers anybody"
        wrong = f"App Service Authentication is off ({how}), but {'; '.join(seen.needs)} must sign in"
        yield Finding(code=Code.SIGN_IN_OFF, where=seen.url, wrong=wrong, mend=mend)
    elif asks is None:
        why = page.why if isinstance(page, Unseen) else f"{seen.url} answers {page}"
        yield Unseen(f"whether sign-in is on: {why}").finding(seen.url)
