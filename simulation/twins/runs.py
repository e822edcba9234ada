"""TwinRuns: MLflow runs in memory."""

from __future__ import annotations

from shared.errors import NotFound
from shared.ports import Run
from shared.runs import check_run_id
from simulation.twins.clock import TwinClock
from simulation.twins.faults import Faults


class TwinRuns:
    """Satisfies `RunsPort`."""

    def __init__(self, clock: TwinClock) -> None:
        self.faults = Faults(clock)
        self.runs: dict[tuple[str, str], Run] = {}

    def add(self, tracking_uri: str, run: Run) -> Run:
        self.runs[tracking_uri, run.id] = run
        return run

    def run(self, tracking_uri: str, run_id: str) -> Run | None:
        check_run_id(run_id)
        return self.faults.around("run", lambda: self.runs.get((tracking_uri, run_id)))

    def children(self, tracking_uri: str, run_id: str) -> tuple[Run, ...]:
        check_run_id(run_id)

        def effect() -> tuple[Run, ...]:
            if (tracking_uri, run_id) not in self.runs:
                raise NotFound(f"run {run_id} does not exist")
            found = [r for (uri, _), r in self.runs.items() if uri == tracking_uri and r.parent == run_id]
            return tuple(sorted(found, key=lambda r: (r.start is None, r.start, r.id)))

        return self.faults.around("children", effect)
