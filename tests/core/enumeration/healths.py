"""What candidate and stable answered, in the five kinds that a decision can tell apart."""

from __future__ import annotations

from orchestrator.health import Sample
from tests.core.enumeration.axes_outside import Health
from tests.core.enumeration.build_rollout import POOR, WELL, health

NOBODY = Sample()
HEALTHS = {
    Health.WELL: health(WELL, WELL),
    Health.SICK: health(POOR, WELL),
    Health.FEW: health(Sample(requests=3), WELL),
    Health.SILENT: health(NOBODY, NOBODY),
    Health.UNKNOWN: health(NOBODY, NOBODY, known=False),
}
