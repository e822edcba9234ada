"""What the control plane is told while a job runs."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class JobUpdate:
    """How a job fares. `node_runs`: each node that has begun, and the MLflow run (and child job) it is."""

    env: str
    name: str
    status: str  # Running, then one of Completed, Failed, Canceled
    outputs: dict[str, str] = field(default_factory=dict[str, str])  # name -> azureml:// address
    error: str | None = None
    node_runs: dict[str, str] = field(default_factory=dict[str, str])
