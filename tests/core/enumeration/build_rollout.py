"""A canary's rows: which step, what is written, since when it is watched, and what was made of its health."""

from __future__ import annotations

from dataclasses import replace

from orchestrator import model as m
from orchestrator.health import HealthSeen, Sample
from tests.core.enumeration.axes import Note, Roll, Scene, Stage
from tests.core.enumeration.figures import BAKED, BAKING, LONG_AGO, NOW, RECENT, SPLITS, STABLE, STEPS

WATCHED = {Stage.WATCHED: BAKING, Stage.BAKED: BAKED, Stage.OVERDUE: LONG_AGO}
WROTE = {Stage.WROTE_NOW: RECENT, Stage.BACK_NOW: RECENT, Stage.WROTE_OLD: LONG_AGO, Stage.BACK_OLD: LONG_AGO}
WELL, POOR = Sample(requests=100, p95_ms=20.0), Sample(requests=100, errors={"424": 50}, p95_ms=20.0)


def on_its_way(p: m.Promotion, scene: Scene) -> m.Promotion:
    """The promotion with the rows of its step."""
    return _with(p, scene.stage, scene.roll, scene.note, bool(scene.serves))


def health(candidate: Sample, stable: Sample, known: bool = True) -> HealthSeen:
    return HealthSeen(candidate=candidate, stable=stable, since=BAKED, until=NOW, known=known)


REPLAYED = health(WELL, WELL)


def number_of(roll: Roll, serves: bool) -> int:
    """Of the step in its plan; a first deployment has the last one only."""
    return STEPS.index(roll) if serves else 0


def note_of(note: Note) -> m.HealthNote | None:
    if note is Note.NONE:
        return None
    verdict = "healthy" if note in (Note.HEALTHY, Note.REPLAYED) else "inconclusive"
    vouched = "Ana" if note is Note.VOUCHED else ""
    return m.HealthNote(verdict=verdict, sentence="so it is", at=RECENT, vouched=vouched)


def _with(p: m.Promotion, stage: Stage, roll: Roll, note: Note, serves: bool) -> m.Promotion:
    number = number_of(roll, serves)
    written = SPLITS[roll]
    if stage is Stage.BETWEEN:
        written = SPLITS[STEPS[STEPS.index(roll) - 1]]
    back = stage in (Stage.BACK_PLANNED, Stage.BACK_NOW, Stage.BACK_OLD)
    planned = stage >= Stage.PLANNED
    weights = {STABLE: 100} if back else dict(written.weights)
    return replace(
        p,
        wanted=weights if planned else {},
        mirror=dict(written.mirror) if planned and not back else {},
        wrote_at=WROTE.get(stage, LONG_AGO if stage in WATCHED else None),
        step=number + 1 if stage is Stage.THROUGH else number,
        step_at=WATCHED.get(stage),
        health=note_of(note),
        replayed=REPLAYED if note in (Note.ASKED, Note.REPLAYED) else None,
    )
