"""In-memory twins of the ports in `shared.ports`: what engine tests run on.

They hold to the same suite as the real adapters (`tests/contract`), so they refuse what the platform refuses.
Time is a `TwinClock` that tests advance; nothing here sleeps, waits or draws random numbers.
"""

from tests.twins.blobs import TwinBlobs, TwinContainer
from tests.twins.clock import TwinClock
from tests.twins.faults import Faults
from tests.twins.runs import TwinRuns
from tests.twins.scoring import TwinScoring
from tests.twins.workspace import Region, Seconds, TwinWorkspace

__all__ = [
    "Faults",
    "Region",
    "Seconds",
    "TwinBlobs",
    "TwinClock",
    "TwinContainer",
    "TwinRuns",
    "TwinScoring",
    "TwinWorkspace",
]
