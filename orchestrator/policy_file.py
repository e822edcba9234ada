"""greenlight.yaml as text or data -> policy, checked as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from orchestrator.freezing import check as check_freezes
from orchestrator.sourcing import check as check_source
from shared.errors import Invalid
from shared.names import legal_name

if TYPE_CHECKING:
    from orchestrator.policy import Policy


def read_policy(text: str, variables: Mapping[str, str]) -> Policy:
    """greenlight.yaml as text -> Policy. Raises Invalid with every problem and its place."""
    import yaml

    try:
        return policy_of(yaml.safe_load(text), variables)
    except yaml.YAMLError as error:
        raise Invalid(f"greenlight.yaml is not YAML: {error}") from error


def policy_of(data: object, variables: Mapping[str, str]) -> Policy:
    """The same from what was parsed."""
    from orchestrator.policy import PolicyError, load

    try:
        policy = load(data, variables, legal_name)
        check_freezes(policy)
        check_source(policy)
    except PolicyError as error:
        raise Invalid(str(error)) from error
    return policy
