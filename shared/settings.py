"""App settings: read once, at the edge, into one frozen value. What is missing or wrong is named at start.

Every setting is an environment variable; docs/settings.md is made from the table below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from shared.azure import AzureCloud
from shared.errors import Invalid
from shared.link_keys import LinkKey

SHORTEST_KEY = 16


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
    Setting(
        "GREENLIGHT_TEAMS_WEBHOOK", "Teams Workflows address for cards; empty: no cards.", "", secret=True
    ),
    Setting(
        "GREENLIGHT_ARM_ENDPOINT", "Azure Resource Manager of this cloud.", "https://management.azure.com"
    ),
    Setting("GREENLIGHT_AUTHORITY", "Sign-in authority of this cloud.", "https://login.microsoftonline.com"),
    Setting("GREENLIGHT_STORAGE_SUFFIX", "Storage suffix of this cloud.", "core.windows.net"),
    Setting("GREENLIGHT_SCORING_SUFFIX", "Suffix of scoring addresses.", "inference.ml.azure.com"),
    Setting("GREENLIGHT_LEASE_SECONDS", "How long a claim is believed.", "30"),
    Setting("GREENLIGHT_CALL_DEADLINE_SECONDS", "Hard limit of one outside call.", "20"),
    Setting("GREENLIGHT_SKEW_SECONDS", "Clock difference allowed between instances.", "5"),
    Setting(
        "GREENLIGHT_SWEEP_SCHEDULE",
        "When the sweep runs: six fields, seconds first. The host reads it, and knows no default: set it.",
        "0 * * * * *",
    ),
    Setting(
        "GREENLIGHT_PACE", "Waits (never leases or deadlines) run this much faster; 1 in production.", "1"
    ),
)
"""Read by the code. Variables that greenlight.yaml names with ${…} come on top."""


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

    @property
    def claim_for(self) -> timedelta:
        """How long a successor waits for a silent worker: lease + deadline + skew."""
        return self.lease + self.deadline + self.skew


def read(variables: Mapping[str, str]) -> Settings:
    """Raises Invalid, naming every setting that is missing or wrong and how to mend it."""
    given = _Given(variables)
    keys = tuple(k.strip() for k in given.text("GREENLIGHT_LINK_KEYS").split(",") if k.strip())
    given.check_keys("GREENLIGHT_LINK_KEYS", given.secrets("GREENLIGHT_LINK_KEYS", keys))
    given.check_keys("GREENLIGHT_JOURNAL_KEY", [given.text("GREENLIGHT_JOURNAL_KEY")])
    settings = Settings(
        base_url=given.address("GREENLIGHT_BASE_URL"),
        table_endpoint=given.address("GREENLIGHT_STORAGE__tableServiceUri"),
        queue_endpoint=given.address("GREENLIGHT_STORAGE__queueServiceUri"),
        blob_endpoint=given.address("GREENLIGHT_STORAGE__blobServiceUri"),
        link_keys=keys,
        journal_key=given.text("GREENLIGHT_JOURNAL_KEY").encode(),
        tenant=given.text("GREENLIGHT_TENANT").lower(),
        config=given.text("GREENLIGHT_CONFIG"),
        teams_webhook=given.address("GREENLIGHT_TEAMS_WEBHOOK"),
        cloud=AzureCloud(
            arm=given.address("GREENLIGHT_ARM_ENDPOINT"),
            authority=given.address("GREENLIGHT_AUTHORITY"),
            storage_suffix=given.text("GREENLIGHT_STORAGE_SUFFIX"),
            scoring_suffix=given.text("GREENLIGHT_SCORING_SUFFIX"),
        ),
        lease=timedelta(seconds=given.number("GREENLIGHT_LEASE_SECONDS", 1, 600)),
        deadline=timedelta(seconds=given.number("GREENLIGHT_CALL_DEADLINE_SECONDS", 1, 120)),
        skew=timedelta(seconds=given.number("GREENLIGHT_SKEW_SECONDS", 0, 60)),
        pace=given.number("GREENLIGHT_PACE", 1, 1000),
        auth_enabled=variables.get("WEBSITE_AUTH_ENABLED", "").lower() == "true",
    )
    if given.problems:
        raise Invalid("settings are missing or wrong:\n" + "\n".join(given.problems))
    return settings


class _Given:
    """The variables as given; collects every problem instead of stopping at the first."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.problems: list[str] = []
        self._values: dict[str, str] = {}
        for setting in TABLE:
            value = variables.get(setting.name, setting.default)
            if setting.default is None and not (value or "").strip():
                self.problems.append(f"  {setting.name} is not set. {setting.about}")
            self._values[setting.name] = (value or "").strip()

    def text(self, name: str) -> str:
        return self._values[name]

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
        parts = urlsplit(value)
        if value and (parts.scheme not in ("https", "http") or not parts.hostname):
            self.problems.append(f"  {name} must be an address that starts with https://")
        return value.rstrip("/")

    def secrets(self, name: str, keys: Sequence[str]) -> list[str]:
        """The keys without their dates."""
        found: list[str] = []
        for key in keys:
            try:
                found.append(LinkKey.parse(key).secret)
            except Invalid as error:
                self.problems.append(f"  {name}: {error}")
        return found

    def check_keys(self, name: str, keys: Sequence[str]) -> None:
        if any(0 < len(key) < SHORTEST_KEY for key in keys):
            self.problems.append(f"  {name}: a key needs at least {SHORTEST_KEY} characters")
