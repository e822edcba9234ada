"""greenlight.yaml -> typed policy. Every unknown key and every gap is an error that names its place.

Environments come in order; the first is the source. They carry defaults that a model may override.
`${NAME}` in any text is replaced by that variable (`${NAME:-}` also where it is not set). Pure: the caller
reads the file and the environment, and says how an endpoint name is made legal.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from pydantic import Field, ValidationError, model_validator

from orchestrator.approval_policy import ApprovalPolicy, ApproverEntry, FreezePolicy
from orchestrator.channel_policy import ChannelList
from orchestrator.gate_policy import (
    USUAL,
    Checks,
    Gate,
    GoldenPolicy,
    MetricGate,
    ProbePolicy,
    ReplayPolicy,
    checks_of,
    gates_wrong,
)
from orchestrator.policy_parts import SECRET_KEYS, Duration, Strict, written
from orchestrator.prices import Currency, Price, Prices
from orchestrator.rollout_policy import RolloutPolicy

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(:-)?\}")
_ENV_NAME = re.compile(r"[a-z][a-z0-9]{0,11}")


class PolicyError(ValueError):
    """The pipeline file is wrong; the message lists every problem with its place."""


class DeploymentPolicy(Strict):
    instance_type: str = Field("Standard_DS3_v2", min_length=1)
    instance_count: int = Field(1, ge=1, le=50)


class EnvironmentPolicy(Strict):
    name: str
    workspace: str = Field(min_length=1)
    source: str = ""
    """Of the first environment: `azureml://registries/NAME`, where registrations come from instead of its
    workspace (checked in sourcing.py)."""
    endpoint: str = "{model}-{env}"
    deployment: DeploymentPolicy = DeploymentPolicy()  # pyright: ignore[reportCallIssue] -- all fields have defaults
    approval: ApprovalPolicy | None = None
    operators: tuple[ApproverEntry, ...] = ()
    freeze: tuple[FreezePolicy, ...] = ()
    rollout: RolloutPolicy = RolloutPolicy()  # pyright: ignore[reportCallIssue] -- all fields have defaults
    newer_version: Literal["supersede", "queue"] = "supersede"
    keep_orphans: Duration = written("24h")
    """How long deployments of ours that nothing needs are kept for a look before they are removed."""

    @model_validator(mode="after")
    def _named(self) -> EnvironmentPolicy:
        if not _ENV_NAME.fullmatch(self.name):
            raise ValueError(
                f"environment name {self.name!r}: lower-case letters and digits, at most 12, a letter first"
            )
        if "{model}" not in self.endpoint:
            raise ValueError("endpoint must contain {model}, or two models would share one endpoint")
        return self

    @model_validator(mode="after")
    def _approved_for_long_enough(self) -> EnvironmentPolicy:
        if self.approval is not None and self.rollout.longest > self.approval.expires:
            raise ValueError(
                f"rollout.bake: {self.rollout.longest} is longer than an approval lives"
                f" (approval.expires: {self.approval.expires}); shorten the bake or let approvals live longer"
            )
        return self


class Override(Strict):
    """What a model has differently in one environment; what is left out is as the environment says."""

    endpoint: str = ""
    deployment: DeploymentPolicy = DeploymentPolicy()  # pyright: ignore[reportCallIssue] -- all fields have defaults
    approval: ApprovalPolicy | None = None
    """Written as null: nobody is asked."""
    freeze: tuple[FreezePolicy, ...] = ()
    rollout: RolloutPolicy = RolloutPolicy()
    newer_version: Literal["supersede", "queue"] = "supersede"

    def over(self, env: EnvironmentPolicy) -> EnvironmentPolicy:
        """The environment for that model. Raises ValidationError where the two do not go together."""
        whole = {name: getattr(env, name) for name in type(env).model_fields}
        mine = {name: getattr(self, name) for name in self.model_fields_set}
        return EnvironmentPolicy.model_validate(whole | mine)


class ModelPolicy(Strict):
    match: str = Field(min_length=1)
    """Glob over model names; the first match wins."""
    gates: Mapping[str, tuple[Gate, ...]] = {}
    probe: ProbePolicy
    golden: GoldenPolicy | None = None
    replay: ReplayPolicy | None = None
    environments: Mapping[str, Override] = {}
    """Environment -> what it has differently for these models."""

    @model_validator(mode="after")
    def _measurable(self) -> ModelPolicy:
        for env, gates in self.gates.items():
            wrong = gates_wrong(env, gates, self.probe, self.golden)
            if wrong:
                raise ValueError(wrong)
        return self


class PolicyFile(Strict):
    version: Literal[1]
    environments: tuple[EnvironmentPolicy, ...] = Field(min_length=1)
    models: tuple[ModelPolicy, ...] = Field(min_length=1)
    channels: ChannelList = ()
    prices: Mapping[str, Price] = {}
    """Instance type -> price of one instance for one hour."""
    currency: Currency = "USD"

    @model_validator(mode="after")
    def _consistent(self) -> PolicyFile:
        names = [e.name for e in self.environments]
        if len(set(names)) != len(names):
            raise ValueError(f"environment names repeat: {', '.join(names)}")
        spaces = [_space(e.workspace) for e in self.environments]
        if len(set(spaces)) != len(spaces):
            raise ValueError("two environments name the same workspace")
        for model in self.models:
            for env in (*model.gates, *model.environments):
                if env not in names:
                    raise ValueError(
                        f"models: {model.match!r} says something for {env!r}, which is no environment"
                    )
        list(self.every_environment())  # what single models have differently must go together, too
        return self

    def every_environment(self) -> Iterator[EnvironmentPolicy]:
        """Every environment, and every one as some models have it."""
        for env in self.environments:
            yield env
            for model in self.models:
                if env.name in model.environments:
                    yield model.environments[env.name].over(env)


@dataclass(frozen=True)
class SlotPolicy:
    """Everything that policy says about one slot."""

    env: EnvironmentPolicy
    probe: ProbePolicy
    gates: tuple[MetricGate, ...]
    endpoint: str
    """Legal endpoint name."""
    first: bool
    """The first environment is the source: no copy, no `Registering`."""
    next_env: str
    """Environment that is offered what goes live here; empty: none."""
    golden: GoldenPolicy | None = None
    replay: ReplayPolicy | None = None
    checks: Checks = USUAL
    """What the candidate is measured by when it is asked by name."""


@dataclass(frozen=True)
class Policy:
    """The whole pipeline, asked by slot."""

    file: PolicyFile
    legal_name: Callable[[str], str]
    """Makes any text a legal endpoint name (Azure's rules live in shared/names.py)."""
    variables: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Those that the file uses, as a plan of another file may have them: secret ones are replaced."""

    @property
    def environments(self) -> tuple[str, ...]:
        return tuple(e.name for e in self.file.environments)

    @property
    def source(self) -> EnvironmentPolicy:
        return self.file.environments[0]

    @property
    def registry(self) -> str:
        """Where registrations come from, as an address; empty: from the first environment's workspace."""
        return self.source.source.rstrip("/")

    @property
    def prices(self) -> Prices:
        return Prices(self.file.prices, self.file.currency)

    def covers(self, model: str) -> bool:
        return self._model(model) is not None

    def slot(self, model: str, env: str) -> SlotPolicy | None:
        """None: no such environment, or no entry under `models` matches."""
        chosen = self._model(model)
        if chosen is None or env not in self.environments:
            return None
        at = self.environments.index(env)
        where = self.file.environments[at]
        if env in chosen.environments:
            where = chosen.environments[env].over(where)
        later, gates = self.environments[at + 1 :], chosen.gates.get(env, ())
        return SlotPolicy(
            env=where,
            probe=chosen.probe,
            gates=tuple(gate for gate in gates if isinstance(gate, MetricGate)),
            endpoint=self.legal_name(where.endpoint.replace("{model}", model).replace("{env}", env)),
            first=at == 0,
            next_env=later[0] if later else "",
            golden=chosen.golden,
            replay=chosen.replay,
            checks=checks_of(chosen.probe, gates),
        )

    def environment_of(self, workspace: str) -> str:
        """Environment whose workspace has this ARM id (case does not matter); empty: none."""
        key = _space(workspace)
        return next((e.name for e in self.file.environments if _space(e.workspace) == key), "")

    def _model(self, model: str) -> ModelPolicy | None:
        return next((m for m in self.file.models if fnmatch.fnmatchcase(model, m.match)), None)


def load(data: object, variables: Mapping[str, str], legal_name: Callable[[str], str]) -> Policy:
    """Typed policy from parsed YAML. Raises PolicyError, listing every problem with its place."""
    missing: list[str] = []
    filled = _fill(data, variables, missing)
    if missing:
        raise PolicyError(
            f"greenlight.yaml uses variables that are not set: {', '.join(sorted(set(missing)))}"
        )
    try:
        return Policy(PolicyFile.model_validate(filled), legal_name, _shareable(data, variables))
    except ValidationError as error:
        lines = [f"  {_place(e['loc'])}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()]
        raise PolicyError("greenlight.yaml is wrong:\n" + "\n".join(lines)) from error


def schema() -> dict[str, Any]:
    """JSON Schema of greenlight.yaml, for editors."""
    return PolicyFile.model_json_schema()


def _space(workspace: str) -> str:
    """An ARM id as Azure compares it: case and the slashes at its ends do not matter."""
    return workspace.strip().strip("/").lower()


def _place(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in loc) or "(top)"


def _shareable(data: object, variables: Mapping[str, str]) -> dict[str, str]:
    """What stands under a secret key anywhere is a secret everywhere."""
    used: dict[str, bool] = {}
    _uses(data, used, secret=False)
    given = {name: variables.get(name, "") for name in used}
    hidden = {name: f"https://{name.lower().replace('_', '-')}.invalid/" for name in used if given[name]}
    return {name: hidden.get(name, "") if secret else given[name] for name, secret in used.items()}


def _uses(value: object, used: dict[str, bool], *, secret: bool) -> None:
    if isinstance(value, str):
        for named in _VARIABLE.finditer(value):
            used[named[1]] = used.get(named[1], False) or secret
    elif isinstance(value, dict):
        for key, item in cast("dict[object, object]", value).items():
            _uses(item, used, secret=secret or key in SECRET_KEYS)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            _uses(item, used, secret=secret)


def _fill(value: object, variables: Mapping[str, str], missing: list[str]) -> object:
    if isinstance(value, str):
        # A platform may drop a setting that is empty, so one that may be is written ${NAME:-}, as in a shell.
        named = _VARIABLE.finditer(value)
        missing.extend(each[1] for each in named if not each[2] and each[1] not in variables)
        return _VARIABLE.sub(lambda m: variables.get(m[1], ""), value)
    if isinstance(value, dict):
        return {k: _fill(v, variables, missing) for k, v in cast("dict[object, object]", value).items()}
    if isinstance(value, list):
        return [_fill(v, variables, missing) for v in cast("list[object]", value)]
    return value
