"""From variables to a scene: settings and greenlight.yaml are the first things that may be wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.app import read_policy
from orchestrator.doctor.finding import Code, Finding, Names
from orchestrator.golden import check_files
from orchestrator.policy import Policy
from orchestrator.recorded import check_recorded
from shared.errors import Invalid
from shared.settings import TABLE, Settings, read

REFERENCE = "@Microsoft.KeyVault("
_NAMED = re.compile(r"^  (GREENLIGHT_\w+)", re.MULTILINE)
_STAND_INS = {"KEY": "stand-in for a key that is not there", "TENANT": "none"}
_LINK_KEYS = "GREENLIGHT_LINK_KEYS"
_AZURE_HOST = ".azurewebsites.net"


@dataclass(frozen=True)
class Read:
    """Settings as far as they can be read. `broken` have stand-ins: what needs them is not looked at."""

    settings: Settings
    broken: frozenset[str]
    findings: tuple[Finding, ...]


def settings(variables: Mapping[str, str], names: Names) -> Read:
    """Every problem is named, and the rest is still of use."""
    findings = [_unresolved(name) for name in _references(variables)]
    broken = {f.where for f in findings}
    usable = {name: value for name, value in variables.items() if name not in broken}
    for line in _problems(_stood_in(usable, broken)):
        named = _NAMED.match(line)
        name = named[1] if named else "settings"
        broken.add(name)
        findings.append(_wrong(name, line.strip(), names))
    found = read(_stood_in(usable, broken))
    for flaw in found.flaws:  # what the app does without
        name = flaw.where.partition(",")[0]
        broken |= {name} if name != _LINK_KEYS or not found.link_keys else set()
        findings.append(_wrong(name, f"{flaw.where}: {flaw.wrong}; {flaw.refused}", names))
    return Read(found, frozenset(broken), tuple(findings))


def _problems(variables: Mapping[str, str]) -> list[str]:
    """What keeps the app from starting."""
    try:
        read(variables)
    except Invalid as error:
        return str(error).splitlines()[1:]
    return []


def _wrong(name: str, wrong: str, names: Names) -> Finding:
    return Finding(code=Code.SETTING, where=name, wrong=wrong, mend=names.set(name, "VALUE"))


def _references(variables: Mapping[str, str]) -> Iterator[str]:
    known = {setting.name for setting in TABLE}
    yield from sorted(n for n, value in variables.items() if n in known and value.startswith(REFERENCE))


def _unresolved(name: str) -> Finding:
    wrong = f"{name} is a Key Vault reference that was not resolved"
    mend = "sh infra/hooks/secrets.sh\nsh infra/hooks/reread.sh"
    return Finding(code=Code.REFERENCE, where=name, wrong=wrong, mend=mend)


def _stood_in(variables: Mapping[str, str], broken: set[str]) -> dict[str, str]:
    given = dict(variables)
    for setting in TABLE:
        if setting.name in broken:
            kind = next((text for part, text in _STAND_INS.items() if part in setting.name), None)
            given[setting.name] = setting.default or kind or "https://standin.invalid"
    return given


def policy(root: Path, config: str, variables: Mapping[str, str]) -> Policy | Finding:
    """greenlight.yaml, with the files that it names."""
    try:
        text = (root / config).read_text(encoding="utf-8")
    except OSError as error:
        wrong = f"{config} cannot be read: {error.strerror}"
        return Finding(code=Code.POLICY, where=config, wrong=wrong, mend=f"ls {config}")
    try:
        found = read_policy(text, variables)
        check_files(root, found)
        check_recorded(root, found)
    except Invalid as error:
        mend = "greenlight doctor --only greenlight.yaml"
        return Finding(code=Code.POLICY, where=config, wrong=str(error), mend=mend)
    return found


def site_of(variables: Mapping[str, str]) -> str:
    """The function app by name; empty: nothing says it."""
    host = variables.get("GREENLIGHT_BASE_URL", "").partition("://")[2].partition("/")[0]
    from_host = host.removesuffix(_AZURE_HOST) if host.endswith(_AZURE_HOST) else ""
    return variables.get("WEBSITE_SITE_NAME") or variables.get("functionApp") or from_host


def names_of(variables: Mapping[str, str], principal: str) -> Names:
    given = {
        "group": variables.get("AZURE_RESOURCE_GROUP") or variables.get("WEBSITE_RESOURCE_GROUP"),
        "app": site_of(variables),
        "state": variables.get("stateAccount"),
        "parameters": variables.get("GREENLIGHT_PARAMETERS"),
        "principal": principal or variables.get("identityPrincipalId"),
    }
    return Names(**{name: value for name, value in given.items() if value})
