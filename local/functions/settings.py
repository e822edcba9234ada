"""App settings: environment variables, and what triggers refer to as `%NAME%`."""

from __future__ import annotations

import os
import re

_REFERENCE = re.compile(r"%([^%]+)%")


class SettingMissing(ValueError):
    """A trigger names an app setting that does not exist."""


def get(name: str) -> str | None:
    """App settings are environment variables; on Linux `:` is written as two underscores."""
    return os.environ.get(name) or os.environ.get(name.replace(":", "__"))


def expand(text: str, where: str) -> str:
    """Replace every `%NAME%` by that setting."""

    def value(match: re.Match[str]) -> str:
        found = get(match.group(1))
        if found is None:
            raise SettingMissing(f"{where}: the app setting {match.group(1)} is not set")
        return found

    return _REFERENCE.sub(value, text)


def disabled(function: str) -> bool:
    """`AzureWebJobs.<function>.Disabled` switches one function off."""
    names = (f"AzureWebJobs.{function}.Disabled", f"AzureWebJobs_{function}_Disabled")
    return any((get(n) or "").lower() in {"true", "1"} for n in names)


def homepage_disabled() -> bool:
    return (get("AzureWebJobsDisableHomepage") or "").lower() == "true"
