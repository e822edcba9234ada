"""What can be wrong, why it matters, and what is said of one such thing. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Code(StrEnum):
    """Stable names: scripts compare them, docs/doctor.md says what to do about each."""

    NOT_KNOWN = "not_known"
    # settings and greenlight.yaml
    SETTING = "setting"
    REFERENCE = "setting_unresolved"
    POLICY = "policy"
    # who asks
    NO_TOKEN = "no_token"  # noqa: S105 -- a name
    OTHER_TENANT = "other_tenant"
    # workspaces and rights
    WORKSPACE_ID = "workspace_id"
    WORKSPACE_MISSING = "workspace_missing"
    WORKSPACE_FORBIDDEN = "workspace_forbidden"
    RIGHTS = "rights"
    REGION_RIGHTS = "region_rights"
    DATA_RIGHTS = "data_rights"
    # state
    TABLE_MISSING = "table_missing"
    QUEUE_MISSING = "queue_missing"
    CONTAINER_MISSING = "container_missing"
    STATE_FORBIDDEN = "state_forbidden"
    # events
    TOPIC_MISSING = "topic_missing"
    TOPIC_SECOND = "topic_second"
    TOPIC_STATE = "topic_state"
    TOPIC_IDENTITY = "topic_identity"
    SUBSCRIPTION_MISSING = "subscription_missing"
    SUBSCRIPTION_STATE = "subscription_state"
    SUBSCRIPTION_ENDPOINT = "subscription_endpoint"
    SUBSCRIPTION_SCHEMA = "subscription_schema"
    SUBSCRIPTION_FILTER = "subscription_filter"
    SUBSCRIPTION_RETRY = "subscription_retry"
    DEAD_LETTERS = "dead_letters"
    DEAD_LETTER_IDENTITY = "dead_letter_identity"
    DEAD_LETTER_RIGHTS = "dead_letter_rights"
    OWN_TOPIC_MISSING = "own_topic_missing"
    OWN_TOPIC_RIGHTS = "own_topic_rights"
    OWN_TOPIC_SILENT = "own_topic_silent"
    # copies between workspaces
    SOURCE_UNREADABLE = "source_unreadable"
    SOURCE_UNSIGNED = "source_unsigned"
    FROZEN_DATASTORE = "frozen_datastore"
    FROZEN_CONTAINER = "frozen_container"
    FROZEN_UNWRITABLE = "frozen_unwritable"
    # a registry as the source
    REGISTRY_MISSING = "registry_missing"
    REGISTRY_HOST = "registry_host"
    REGISTRY_RIGHTS = "registry_rights"
    REGISTRY_FILES = "registry_files"
    # endpoints
    NAME_SHARED = "name_shared"
    NAME_TAKEN = "name_taken"
    NAMESAKE = "namesake"
    # room
    INSTANCE_TYPE = "instance_type"
    QUOTA = "quota"
    # people
    TEAMS_GONE = "teams_gone"
    TEAMS_REFUSED = "teams_refused"
    TEAMS_SILENT = "teams_silent"
    KEY_EXPIRED = "key_expired"
    KEY_EXPIRING = "key_expiring"
    KEY_SHARED = "key_shared"
    CLOCK = "clock"
    APP_SILENT = "app_silent"
    APP_UNWELL = "app_unwell"
    APP_DEGRADED = "app_degraded"
    SIGN_IN_OFF = "sign_in_off"
    HEALTH_CLOSED = "health_closed"


WHY: Final[Mapping[Code, str]] = {
    Code.NOT_KNOWN: "what could not be looked at may be wrong",
    Code.SETTING: "the app answers every request with `misconfigured` until it is mended",
    Code.REFERENCE: "the app would sign with the words of the reference, or not start",
    Code.POLICY: "nothing is promoted without the pipeline file",
    Code.NO_TOKEN: "every call to Azure needs one",
    Code.OTHER_TENANT: "people of GREENLIGHT_TENANT alone may act, and this identity is of another one",
    Code.WORKSPACE_ID: "nothing can be read or deployed in this environment",
    Code.WORKSPACE_MISSING: "nothing can be read or deployed in this environment",
    Code.WORKSPACE_FORBIDDEN: "nothing can be read or deployed in this environment",
    Code.RIGHTS: "a promotion would stop at the first call that needs it",
    Code.REGION_RIGHTS: "nobody is warned before approval that a rollout will not fit",
    Code.DATA_RIGHTS: "the identity could not do its work on these data",
    Code.TABLE_MISSING: "what was decided is kept there: nothing can be committed",
    Code.QUEUE_MISSING: "a message for it is lost or refused",
    Code.CONTAINER_MISSING: "what belongs there cannot be written",
    Code.STATE_FORBIDDEN: "the app's identity must read and write its own state",
    Code.TOPIC_MISSING: "no event tells of a registered model; only the half-hourly listing finds it",
    Code.TOPIC_SECOND: "Azure allows one for each source: subscriptions on the other one may get nothing",
    Code.TOPIC_STATE: "it delivers nothing while it is not ready",
    Code.TOPIC_IDENTITY: "undelivered events are written as the topic, and it is nobody",
    Code.SUBSCRIPTION_MISSING: "no event tells of a registered model; only the half-hourly listing finds it",
    Code.SUBSCRIPTION_STATE: "it delivers nothing while it is not ready",
    Code.SUBSCRIPTION_ENDPOINT: "events go elsewhere",
    Code.SUBSCRIPTION_SCHEMA: "the function is bound to the Event Grid schema and understands no other",
    Code.SUBSCRIPTION_FILTER: "events that Greenlight waits for are dropped before they reach it",
    Code.SUBSCRIPTION_RETRY: "an outage of the app longer than that loses events",
    Code.DEAD_LETTERS: "an event that cannot be delivered is lost without a trace",
    Code.DEAD_LETTER_IDENTITY: "the account takes no keys: dead letters can only be written by identity",
    Code.DEAD_LETTER_RIGHTS: "an event that cannot be delivered is lost without a trace",
    Code.OWN_TOPIC_MISSING: "no event of Greenlight's own is published",
    Code.OWN_TOPIC_RIGHTS: "no event of Greenlight's own is published",
    Code.OWN_TOPIC_SILENT: "events of Greenlight's own wait while it lasts, for two days at most",
    Code.SOURCE_UNREADABLE: "the model's files cannot be digested or copied",
    Code.SOURCE_UNSIGNED: "a copy between accounts is authorised by a signature of this identity",
    Code.FROZEN_DATASTORE: "frozen copies are registered from it",
    Code.FROZEN_CONTAINER: "frozen copies are written there",
    Code.FROZEN_UNWRITABLE: "frozen copies are written there",
    Code.REGISTRY_MISSING: "registrations come from there, and from nowhere else",
    Code.REGISTRY_HOST: "a token of Greenlight's goes to no other host: nothing is read there",
    Code.REGISTRY_RIGHTS: "registrations come from there: none is found that may not be read",
    Code.REGISTRY_FILES: "the model's files cannot be digested or copied",
    Code.NAME_SHARED: "two slots would move one endpoint: the second one ends `Failed: preflight`",
    Code.NAME_TAKEN: "Greenlight moves no endpoint that is not its own: a promotion ends `Failed: preflight`",
    Code.NAMESAKE: "endpoint names are host names of a region: it ends `Failed: preflight`",
    Code.INSTANCE_TYPE: "a promotion ends `Failed: instance_type` before anyone is asked",
    Code.QUOTA: "the candidate would not fit: promotions wait a day, then end `Failed: quota`",
    Code.TEAMS_GONE: "nobody gets a card",
    Code.TEAMS_REFUSED: "nobody gets a card",
    Code.TEAMS_SILENT: "nobody gets a card while it lasts",
    Code.KEY_EXPIRED: "without a key in force no link opens and no form can be sent",
    Code.KEY_EXPIRING: "links that it signed open no more after that day",
    Code.KEY_SHARED: "whoever can make links could also rewrite the journal",
    Code.CLOCK: "leases and deadlines are compared between machines, and signatures are refused",
    Code.APP_SILENT: "events, votes and commands reach nobody",
    Code.APP_UNWELL: "it refuses its work and says why on its own page",
    Code.APP_DEGRADED: "it serves, and leaves out whatever needs what is wrong",
    Code.SIGN_IN_OFF: "greenlight.yaml lets people decide who must sign in, and nobody can",
    Code.HEALTH_CLOSED: "probes cannot sign in, so they see an app that is down",
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something is wrong, or (NOT_KNOWN) could not be looked at."""

    code: Code
    where: str
    """Environment, account, topic: whatever it is about."""
    wrong: str
    mend: str
    """A command, its names filled in where they are known, else as variables of docs/deploy.md."""

    @property
    def why(self) -> str:
        return WHY[self.code]

    @property
    def known(self) -> bool:
        return self.code is not Code.NOT_KNOWN


@dataclass(frozen=True)
class Unseen:
    """A fact that could not be had, and what would help."""

    why: str
    mend: str = ""

    def finding(self, where: str) -> Finding:
        return Finding(code=Code.NOT_KNOWN, where=where, wrong=self.why, mend=self.mend)


@dataclass(frozen=True, kw_only=True)
class Names:
    """What commands are filled in with: given, or a variable that docs/deploy.md sets."""

    group: str = "$AZURE_RESOURCE_GROUP"
    app: str = "$functionApp"
    state: str = "$stateAccount"
    principal: str = "$identityPrincipalId"
    parameters: str = "infra/dev-qa.bicepparam"

    def deploy(self) -> str:
        """Phase one of docs/deploy.md, which brings about roles, datastores, containers and settings."""
        return (
            f"az deployment group create --resource-group {self.group} --name greenlight "
            f"--parameters {self.parameters}"
        )

    def set(self, name: str, value: str) -> str:
        return (
            f"az functionapp config appsettings set --resource-group {self.group} --name {self.app} "
            f"--settings '{name}={value}' --output none"
        )

    def assign(self, role: str, scope: str, principal: str = "") -> str:
        return (
            f"az role assignment create --assignee-object-id {principal or self.principal} "
            f"--assignee-principal-type ServicePrincipal --role '{role}' --scope {scope}"
        )
