"""App settings: read once, at the edge, into one frozen value. What is missing or wrong is named at start.

Without some the app cannot do anything safely: then nothing starts. Without others it leaves out what needs
them, and says so (`flaws`).

Every setting is an environment variable; docs/settings.md is made from the table below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from shared.addresses import is_address, is_topic
from shared.azure import AzureCloud
from shared.errors import Invalid
from shared.link_keys import LinkKey

SHORTEST_KEY = 16
TEAMS = "GREENLIGHT_TEAMS_WEBHOOK"
EVENTS = "GREENLIGHT_EVENTS_TOPIC"
_UNRESOLVED = "@Microsoft.KeyVault("
"""How a reference looks that the platform could not resolve. Everybody can guess it: it is no key."""


@dataclass(frozen=True)
class Setting:
    """One variable. `default` None: it must be given."""

    name: str
    about: str
    default: str | None = None
    secret: bool = False


TABLE: tuple[Setting, ...] = (
    Setting("GREENLIGHT_BASE_URL", "Public address of this app; links in cards start with it."),
    Setting("GREENLIGHT_STORAGE__tableServiceUri", "Table endpoint of the state account."),
    Setting("GREENLIGHT_STORAGE__queueServiceUri", "Queue endpoint of the state account."),
    Setting("GREENLIGHT_STORAGE__blobServiceUri", "Blob endpoint of the state account."),
    Setting(
        "GREENLIGHT_LINK_KEYS",
        "Keys that sign links, newest first, with commas; `KEY;until=2027-01-31` has a last day.",
        secret=True,
    ),
    Setting("GREENLIGHT_JOURNAL_KEY", "Key that MACs the journal.", secret=True),
    Setting("GREENLIGHT_TENANT", "Entra tenant id whose people may act."),
    Setting("GREENLIGHT_CONFIG", "Path of the pipeline file, from the app's folder.", "greenlight.yaml"),
    Setting(TEAMS, "Teams Workflows address for cards; empty: no cards.", "", secret=True),
    Setting(EVENTS, "Endpoint of the Event Grid topic for our own events; empty: none are published.", ""),
    Setting(
        "GREENLIGHT_ARM_ENDPOINT", "Azure Resource Manager of this cloud.", "https://management.azure.com"
    ),
    Setting("GREENLIGHT_AUTHORITY", "Sign-in authority of this cloud.", "https://login.microsoftonline.com"),
    Setting("GREENLIGHT_STORAGE_SUFFIX", "Storage suffix of this cloud.", "core.windows.net"),
    Setting("GREENLIGHT_SCORING_SUFFIX", "Suffix of scoring addresses.", "inference.ml.azure.com"),
    Setting(
        "GREENLIGHT_REGISTRY_DISCOVERY",
        "Where a registry is looked up that greenlight.yaml names as the source.",
        "https://eastus.api.azureml.ms",
    ),
    Setting(
        "GREENLIGHT_REGISTRY_HOSTS",
        "What names of hosts end with that may answer for a registry, with commas: tokens go to no other.",
        "api.azureml.ms,experiments.azureml.net",
    ),
    Setting("GREENLIGHT_LEASE_SECONDS", "How long a claim is believed.", "30"),
    Setting("GREENLIGHT_CALL_DEADLINE_SECONDS", "Hard limit of one outside call.", "20"),
    Setting("GREENLIGHT_SKEW_SECONDS", "Clock difference allowed between instances.", "5"),
    Setting(
        "GREENLIGHT_SWEEP_SCHEDULE",
        "When the sweep runs: six fields, seconds first. The host reads it, and knows no default: set it.",
        "0 * * * * *",
    ),
    Setting(
        "GREENLIGHT_ANCHOR_DAYS",
        "Days that anchors of journals are kept at least: until then `verify --anchors` misses one.",
        "365",
    ),
    Setting(
        "GREENLIGHT_PACE", "Waits (never leases or deadlines) run this much faster; 1 in production.", "1"
    ),
)
"""Read by the code. Variables that greenlight.yaml names with ${…} come on top."""


@dataclass(frozen=True)
class Flaw:
    """Something that is wrong, and what the app does not do because of it."""

    where: str
    wrong: str
    refused: str
    fix: str


@dataclass(frozen=True)
class StateSettings:
    """What it takes to read the state account, and no secret: for commands that ask no server."""

    table_endpoint: str
    blob_endpoint: str
    cloud: AzureCloud
    anchor_days: int
    journal_key: bytes
    """Empty: not given."""

    @property
    def state_account(self) -> str:
        return self.blob_endpoint.removeprefix("https://").partition(".")[0]


@dataclass(frozen=True)
class Settings:
    """All settings, typed."""

    base_url: str
    table_endpoint: str
    queue_endpoint: str
    blob_endpoint: str
    link_keys: tuple[str, ...]
    journal_key: bytes
    tenant: str
    config: str
    teams_webhook: str
    cloud: AzureCloud
    lease: timedelta
    deadline: timedelta
    skew: timedelta
    pace: float
    auth_enabled: bool
    """WEBSITE_AUTH_ENABLED, set by the platform: is App Service Authentication on?"""
    events_topic: str = ""
    flaws: tuple[Flaw, ...] = ()
    """What is done without. A wrong address of Teams or a topic is empty here, a wrong link key left out."""

    @property
    def claim_for(self) -> timedelta:
        """How long a successor waits for a silent worker: lease + deadline + skew."""
        return self.lease + self.deadline + self.skew


def read(variables: Mapping[str, str]) -> Settings:
    """Raises Invalid, naming every setting that is missing or wrong and how to mend it."""
    given = _Given(variables)
    cloud = AzureCloud(
        arm=given.address("GREENLIGHT_ARM_ENDPOINT"),
        authority=given.address("GREENLIGHT_AUTHORITY"),
        storage_suffix=given.text("GREENLIGHT_STORAGE_SUFFIX"),
        scoring_suffix=given.text("GREENLIGHT_SCORING_SUFFIX"),
        registry_discovery=given.address("GREENLIGHT_REGISTRY_DISCOVERY"),
        registry_hosts=given.words("GREENLIGHT_REGISTRY_HOSTS"),
    )
    settings = Settings(
        base_url=given.address("GREENLIGHT_BASE_URL"),
        table_endpoint=given.address("GREENLIGHT_STORAGE__tableServiceUri"),
        queue_endpoint=given.address("GREENLIGHT_STORAGE__queueServiceUri"),
        blob_endpoint=given.address("GREENLIGHT_STORAGE__blobServiceUri"),
        link_keys=given.link_keys("GREENLIGHT_LINK_KEYS"),
        journal_key=given.key("GREENLIGHT_JOURNAL_KEY").encode(),
        tenant=given.text("GREENLIGHT_TENANT").lower(),
        config=given.text("GREENLIGHT_CONFIG"),
        teams_webhook=given.webhook(TEAMS),
        cloud=cloud,
        lease=timedelta(seconds=given.number("GREENLIGHT_LEASE_SECONDS", 1, 600)),
        deadline=timedelta(seconds=given.number("GREENLIGHT_CALL_DEADLINE_SECONDS", 1, 120)),
        skew=timedelta(seconds=given.number("GREENLIGHT_SKEW_SECONDS", 0, 60)),
        pace=given.number("GREENLIGHT_PACE", 1, 1000),
        auth_enabled=variables.get("WEBSITE_AUTH_ENABLED", "").lower() == "true",
        events_topic=given.topic(EVENTS, cloud),
        flaws=tuple(given.flaws),
    )
    given.check()
    return settings


def read_state(variables: Mapping[str, str]) -> StateSettings:
    """The part that reading the state account needs. Raises Invalid as `read` does."""
    needed = ("GREENLIGHT_STORAGE__tableServiceUri", "GREENLIGHT_STORAGE__blobServiceUri")
    given = _Given(variables, needed)
    settings = StateSettings(
        table_endpoint=given.address(needed[0]),
        blob_endpoint=given.address(needed[1]),
        cloud=AzureCloud(
            authority=given.address("GREENLIGHT_AUTHORITY"),
            storage_suffix=given.text("GREENLIGHT_STORAGE_SUFFIX"),
        ),
        anchor_days=int(given.number("GREENLIGHT_ANCHOR_DAYS", 1, 146_000)),
        journal_key=given.text("GREENLIGHT_JOURNAL_KEY").encode(),
    )
    given.check()
    return settings


class _Given:
    """The variables as given; collects every problem instead of stopping at the first."""

    def __init__(self, variables: Mapping[str, str], needed: Sequence[str] | None = None) -> None:
        """`needed`: of the settings without a default, those that must be there (None: all)."""
        self.problems: list[str] = []
        self.flaws: list[Flaw] = []
        self._values: dict[str, str] = {}
        for setting in TABLE:
            value = variables.get(setting.name, setting.default)
            missing = setting.default is None and not (value or "").strip()
            if missing and (needed is None or setting.name in needed):
                self.problems.append(f"  {setting.name} is not set. {setting.about}")
            self._values[setting.name] = (value or "").strip()

    def check(self) -> None:
        """Raises Invalid if anything was missing or wrong."""
        if self.problems:
            raise Invalid("settings are missing or wrong:\n" + "\n".join(self.problems))

    def text(self, name: str) -> str:
        return self._values[name]

    def words(self, name: str) -> tuple[str, ...]:
        """What commas separate; at least one."""
        found = tuple(word for each in self._values[name].split(",") if (word := each.strip().lower()))
        if not found:
            self.problems.append(f"  {name} must have at least one name")
        return found

    def number(self, name: str, low: float, high: float) -> float:
        try:
            found = float(self._values[name])
        except ValueError:
            found = low - 1
        if not low <= found <= high:
            self.problems.append(
                f"  {name} must be a number from {low:g} to {high:g}, not {self._values[name]!r}"
            )
        return found

    def address(self, name: str) -> str:
        value = self._values[name]
        if value and not is_address(value):
            self.problems.append(f"  {name} must be an address that starts with https://")
        return value.rstrip("/")

    def key(self, name: str) -> str:
        value = self._values[name]
        wrong = _wrong_key(value) if value else ""  # a missing one is named already
        if wrong:
            self.problems.append(f"  {name}: {wrong}")
        return value

    def webhook(self, name: str) -> str:
        """The address; empty: none is configured, or it is wrong, which no other work has to wait for."""
        value = self._values[name]
        if not value or (is_address(value) and not value.startswith(_UNRESOLVED)):
            return value.rstrip("/")
        wrong = _REFERENCE if value.startswith(_UNRESOLVED) else "it is no address that starts with https://"
        refused = "no card is posted; notices for Teams wait, and people are told on the other channels"
        self.flaws.append(Flaw(name, wrong, refused, _FIX_TEAMS))
        return ""

    def topic(self, name: str, cloud: AzureCloud) -> str:
        """The same for a topic: it gets a token, so its host must be one of Event Grid."""
        value = self._values[name]
        if not value or is_topic(value, cloud.events_suffix):
            return value
        wrong = f"it is no topic's endpoint (https://NAME.REGION-1.{cloud.events_suffix}/api/events)"
        refused = "no event is published; what is to be published waits for two days"
        self.flaws.append(Flaw(name, wrong, refused, _FIX_EVENTS))
        return ""

    def link_keys(self, name: str) -> tuple[str, ...]:
        """Those that can be keys, as they were written."""
        good: list[str] = []
        given = [text.strip() for text in self._values[name].split(",") if text.strip()]
        for n, text in enumerate(given, 1):
            try:
                wrong = _wrong_key(LinkKey.parse(text).secret)
            except Invalid as error:
                wrong = str(error)
            if not wrong:
                good.append(text)
                continue
            refused = "it signs and opens no link; links that it signed are answered as expired"
            self.flaws.append(Flaw(f"{name}, key {n} of {len(given)}", wrong, refused, _FIX_KEYS))
        return tuple(good)


_REFERENCE = "the Key Vault reference is not resolved"
_FIX_TEAMS = "Put the Workflows address into the vault's teams-webhook, then run infra/hooks/reread.sh."
_FIX_KEYS = f"Put a random key of {SHORTEST_KEY} characters or more there, then run infra/hooks/reread.sh."
_FIX_EVENTS = "Deploy phase one with a topic (docs/events.md), or give its endpoint; empty turns events off."


def _wrong_key(key: str) -> str:
    """Why it must not sign anything; empty: it may. Never quotes it."""
    if key.startswith(_UNRESOLVED):
        return f"{_REFERENCE}: is the secret there, and may the app's identity read it?"
    return "" if len(key) >= SHORTEST_KEY else f"a key needs at least {SHORTEST_KEY} characters"
