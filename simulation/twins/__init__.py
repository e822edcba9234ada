"""In-memory twins of the ports in `shared.ports`: what engine tests run on.

They hold to the same suite as the real adapters (`tests/contract`), so they refuse what the platform refuses.
Time is a `TwinClock` that tests advance; nothing here sleeps, waits or draws random numbers.
"""

from simulation.twins.blobs import TwinBlobs, TwinContainer
from simulation.twins.clock import TwinClock
from simulation.twins.faults import Faults
from simulation.twins.metrics import Answers, TwinMetrics
from simulation.twins.registry import TwinRegistry
from simulation.twins.runs import TwinRuns
from simulation.twins.scoring import TwinScoring
from simulation.twins.workspace import Region, Seconds, TwinWorkspace

__all__ = [
    "Answers",
    "Faults",
    "Region",
    "Seconds",
    "TwinBlobs",
    "TwinClock",
    "TwinContainer",
    "TwinMetrics",
    "TwinRegistry",
    "TwinRuns",
    "TwinScoring",
    "TwinWorkspace",
]
