"""A submitted job as steps with their dependencies. Pure: only the component's definition is looked up."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local.azureml.refusals import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_PARENT_INPUT = re.compile(r"\$\{\{\s*parent\.inputs\.(?P<name>[\w-]+)\s*\}\}")
_PARENT_OUTPUT = re.compile(r"\$\{\{\s*parent\.outputs\.(?P<name>[\w-]+)\s*\}\}")
_STEP_OUTPUT = re.compile(r"\$\{\{\s*parent\.jobs\.(?P<step>[\w-]+)\.outputs\.(?P<name>[\w-]+)\s*\}\}")
_OPTIONAL = re.compile(r"\$\[\[(?P<inner>.*?)\]\]", re.DOTALL)
_IN_COMMAND = re.compile(r"\$\{\{\s*(?P<of>inputs|outputs|search_space)\.(?P<name>[\w.-]+)\s*\}\}")
FILE = "uri_file"


@dataclass(frozen=True)
class Literal:
    value: str


@dataclass(frozen=True)
class Asset:
    """Files by their address or asset id, to be downloaded."""

    uri: str


@dataclass(frozen=True)
class FromStep:
    step: str
    output: str


Source = Literal | Asset | FromStep


@dataclass(frozen=True)
class Output:
    kind: str
    to_parent: str | None = None  # the pipeline's output that this one is

    @property
    def is_file(self) -> bool:
        return self.kind == FILE


@dataclass(frozen=True)
class Step:
    name: str
    command: str
    code: str | None  # id of the code asset
    inputs: dict[str, Source]
    outputs: dict[str, Output]
    environment: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def needs(self) -> set[str]:
        return {source.step for source in self.inputs.values() if isinstance(source, FromStep)}


@dataclass(frozen=True)
class Plan:
    steps: dict[str, Step]
    outputs: dict[str, Mapping[str, Any]]  # the job's own, as submitted
    continue_on_failure: bool = False


def plan(properties: dict[str, Any], component: Callable[[str], dict[str, Any]]) -> Plan:
    """Raises a refusal when the job can never run as it was submitted."""
    outputs = dict(properties.get("outputs") or {})
    if properties.get("jobType") == "Command":
        step = _command_job(properties)
        return Plan({step.name: step}, outputs)
    inputs = {name: _source(value, {}) for name, value in (properties.get("inputs") or {}).items()}
    steps = {
        name: _step(name, node, component(node["componentId"])["properties"]["componentSpec"], inputs)
        for name, node in (properties.get("jobs") or {}).items()
    }
    _check(steps, outputs)
    going_on = bool((properties.get("settings") or {}).get("continue_on_step_failure"))
    return Plan(steps, outputs, going_on)


def _command_job(properties: dict[str, Any]) -> Step:
    return Step(
        name="command",
        command=properties["command"],
        code=properties.get("codeId"),
        inputs={n: _source(v, {}) for n, v in (properties.get("inputs") or {}).items()},
        outputs={
            n: Output((v or {}).get("jobOutputType", "uri_folder"), to_parent=n)
            for n, v in (properties.get("outputs") or {}).items()
        },
        environment=properties.get("environmentVariables") or {},
    )


def _step(name: str, node: dict[str, Any], spec: dict[str, Any], given: dict[str, Source]) -> Step:
    inputs = {key: _source(value, given) for key, value in (node.get("inputs") or {}).items()}
    for key, declared in (spec.get("inputs") or {}).items():
        if key in inputs:
            continue
        if declared.get("default") is not None:
            inputs[key] = Literal(str(declared["default"]))
        elif not declared.get("optional"):
            raise invalid(f"Required input '{key}' of node '{name}' has no value.", "inputs")
    bound = node.get("outputs") or {}
    outputs = {
        key: Output(declared.get("type", "uri_folder"), _bound_output(bound.get(key)))
        for key, declared in (spec.get("outputs") or {}).items()
    }
    environment = {**(spec.get("environment_variables") or {}), **(node.get("environment_variables") or {})}
    return Step(name, spec["command"], spec.get("code"), inputs, outputs, environment)


def _source(value: Any, given: dict[str, Source]) -> Source:
    """`given`: the pipeline's inputs, which a node names as `${{parent.inputs.…}}`."""
    if not isinstance(value, dict):
        return Literal(str(value))
    if value.get("uri"):
        return Asset(str(value["uri"]))
    text = str(value.get("value", ""))
    if match := _STEP_OUTPUT.fullmatch(text.strip()):
        return FromStep(match["step"], match["name"])
    if match := _PARENT_INPUT.fullmatch(text.strip()):
        return _given(given, match["name"])
    return Literal(_PARENT_INPUT.sub(lambda m: _literal(_given(given, m["name"])), text))


def _given(given: dict[str, Source], name: str) -> Source:
    if name not in given:
        raise invalid(f"The pipeline has no input '{name}'.", "inputs")
    return given[name]


def _literal(source: Source) -> str:
    if not isinstance(source, Literal):
        raise invalid("Files cannot be part of a text.", "inputs")
    return source.value


def _bound_output(value: Any) -> str | None:
    match = _PARENT_OUTPUT.fullmatch(str((value or {}).get("value", "")).strip())
    return match["name"] if match else None


def _check(steps: dict[str, Step], outputs: dict[str, Any]) -> None:
    for step in steps.values():
        for source in step.inputs.values():
            if isinstance(source, FromStep):
                producer = steps.get(source.step)
                if producer is None or source.output not in producer.outputs:
                    raise invalid(f"There is no output '{source.output}' of node '{source.step}'.", "jobs")
        for output in step.outputs.values():
            if output.to_parent and output.to_parent not in outputs:
                raise invalid(f"The pipeline has no output '{output.to_parent}'.", "outputs")
    ready: set[str] = set()
    while waiting := steps.keys() - ready:
        able = {name for name in waiting if steps[name].needs <= ready}
        if not able:
            raise invalid(f"Nodes wait for each other: {', '.join(sorted(waiting))}.", "jobs")
        ready |= able


def command_line(step: Step, inputs: Mapping[str, str | Path], outputs: Mapping[str, Path]) -> str:
    """The component's command with values in place; `$[[…]]` goes when an input in it has no value.

    Literals are put in as they are, as the service does; paths are quoted if they need it.
    """

    def value(match: re.Match[str]) -> str:
        known: Mapping[str, str | Path] = inputs if match["of"] == "inputs" else outputs
        name = match["name"].removesuffix(".path")
        if name not in known:
            raise invalid(f"The command of '{step.name}' names {match[0]}, which does not exist.", "command")
        found = known[name]
        return found if isinstance(found, str) else shlex.quote(str(found))

    def optional(match: re.Match[str]) -> str:
        named = [m["name"] for m in _IN_COMMAND.finditer(match["inner"])]
        return match["inner"] if all(name in inputs or name in outputs for name in named) else ""

    return _IN_COMMAND.sub(value, _OPTIONAL.sub(optional, step.command))
