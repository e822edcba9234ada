"""The command: choose a place, tell the steps, say how it went."""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING

from local.appsettings import ROOT
from local.cloud import CloudError
from local.demo import beginning, canary, sequel
from local.demo.place import USUAL_PACE, choose
from local.demo.story import Step, Story
from local.demo.telling import Teller, Told
from local.demo.waiting import NotSo

if TYPE_CHECKING:
    from pathlib import Path

    from local.demo.place import Place

HOME = ROOT / ".local" / "demo"
NAME = re.compile(
    r"titanic[a-z0-9-]{0,20}"
)  # greenlight.yaml has a rule for it, and endpoints can be called so
STORIES = {
    "promotion": ("titanic", "One model's life", USUAL_PACE, (*beginning.STEPS, *sequel.STEPS)),
    "canary": ("titanic-canary", "Two canaries", 30.0, canary.STEPS),
}
"""Name -> the model's usual name (greenlight.yaml has its rollout), what it is about, the pace, the steps."""
log = logging.getLogger("demo")


def main(home: Path, port_base: int | None, name: str, model: str | None, *, keep: bool) -> int:
    """Exit code 0: every step was verified. 1: one was not. 2: it could not begin. 130: interrupted."""
    usual, about, pace, steps = STORIES[name]
    model = model or usual
    if not NAME.fullmatch(model):
        print(f"demo: --model must look like titanic or titanic-2, not {model!r}", file=sys.stderr)
        return 2
    try:
        place = choose(home, port_base, keep=keep, pace=pace)
    except CloudError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    _log_to(place)
    with Teller(len(steps)) as tell:
        tell.say(f"{about} on a local cloud in {place.config.home}: {len(steps)} steps, each verified.")
        story = Story(place, model, tell)
        try:
            whole = _tell(story, tell, steps)
        except KeyboardInterrupt:
            tell.say("\ninterrupted")
            return 130
        finally:
            story.world.close()
            place.stop()
        if whole:
            tell.table()
            tell.say(f"\nAll {len(steps)} steps verified in {tell.told_seconds:.0f} s.\n")
        _farewell(place, tell, whole=whole)
    return 0 if whole else 1


def _tell(story: Story, tell: Teller, steps: tuple[Step, ...]) -> bool:
    for number, step in enumerate(steps, 1):
        began = tell.seconds
        tell.begin(number, step.title)
        try:
            step.do(story)
            proof = step.verify(story)
        except NotSo as why:
            tell.failed(number, step.title, story.place.trouble() or why)
            return False
        except Exception as error:  # whatever it is, the story must say so
            log.exception("step %d", number)
            seen = f"{type(error).__name__}: {str(error)[:600]}"
            why = NotSo("no error", seen, story.world.log("demo"))
            tell.failed(number, step.title, story.place.trouble() or why)
            return False
        tell.end(Told(number, step.title, began, tell.seconds - began, proof))
    return True


def _farewell(place: Place, tell: Teller, *, whole: bool) -> None:
    """Where to look next."""
    if place.keep:
        front, teams = place.config.front_url, f"http://localhost:{place.config.port('teams')}"
        tell.say(f"It still runs               {front} (pick any account), {teams}")
        tell.say(f"Stop it                     python -m local down --home {place.config.home}")
    elif whole:
        tell.say("A cloud to play with        make up (prints its addresses; make down stops it)")
        tell.say("This story, left running    python -m local demo --keep")
    if whole:
        tell.say("How it works                docs/concepts.md, docs/operators.md, docs/policy.md")
    tell.say(f"What every part wrote       {place.config.home / 'logs'}")


def _log_to(place: Place) -> None:
    """What libraries say goes to a file, not between the lines of the story."""
    folder = place.config.home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(filename=folder / "demo.log", level=logging.WARNING, format=form, force=True)
    logging.captureWarnings(True)
    log.setLevel(logging.INFO)
