"""How a play ended, read off the twins: what serves, what is left behind, and what the tool said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.old.pipeline import REQUEST, Run
from bench.old.scene import Moment, Scene, good
from orchestrator.model import Promotion, SlotKey
from simulation.twins.online import TwinEndpoint
from tests.engine.town import DEV, QA

ENVS = ("dev", "qa")


@dataclass(frozen=True)
class Served:
    """What one environment's endpoint answers with. `flaws`: why it should not."""

    env: str
    version: str
    flaws: tuple[str, ...]

    def __str__(self) -> str:
        what = ", ".join((self.version or "nothing", *self.flaws))
        return f"{self.env} **{what}**" if self.flaws else f"{self.env} {what}"


@dataclass(frozen=True)
class End:
    """One tool's end of one row."""

    said: str
    serves: tuple[Served, ...]
    left: tuple[str, ...]
    """What somebody must clean up."""
    kept: tuple[str, ...]
    """What stays, and costs nothing or was asked for."""
    lies: bool
    """The last word was success, but what was approved does not serve in qa, or not well."""

    @property
    def flawed(self) -> bool:
        return any(served.flaws for served in self.serves)

    def cells(self) -> tuple[str, str, str]:
        """Said, serves, left behind: for the table."""
        left = [*(f"**{what}**" for what in self.left), *self.kept]
        said = f"**{self.said}**" if self.lies else self.said
        return said, ", ".join(map(str, self.serves)), "<br>".join(left) or "–"


def end_of_script(scene: Scene, runs: Sequence[Run]) -> End:
    return _end(scene, "<br>".join(map(_exits, runs)), _last_green(runs[-1]), [])


def end_of_greenlight(scene: Scene, promotions: Sequence[Promotion]) -> End:
    versions = sorted({p.registration.version for p in promotions})
    lines = {v: ", ".join(_verdict(p) for p in promotions if p.registration.version == v) for v in versions}
    said = "<br>".join(f"{v}: {line}" if len(lines) > 1 else line for v, line in lines.items())
    green = bool(promotions) and all(p.verdict == "Live" for p in promotions)
    return _end(scene, said, green, _unfinished(scene))


# ---- what was said


def _exits(run: Run) -> str:
    if not run.new:
        return f"dev {_told(run.dev)}, nothing new"
    return f"dev {_told(run.dev)}, qa {_told(run.qa)}"


def _told(exits: Sequence[object]) -> str:
    return ", then ".join(map(str, exits))


def _last_green(run: Run) -> bool:
    """The stage that ran last is shown as succeeded."""
    return (run.qa or run.dev)[-1] == 0


def _verdict(p: Promotion) -> str:
    if p.verdict is None:
        return f"{p.env} waits ({p.phase})"
    return f"{p.env} {p.verdict}" + (f" ({p.reason})" if p.reason != p.verdict.lower() else "")


# ---- what serves


def _end(scene: Scene, said: str, green: bool, unfinished: list[str]) -> End:
    left, kept = list(unfinished), list[str]()
    warm = {name for key in (DEV, QA) for name in _warm(scene, key)}
    for env in ENVS:
        endpoint = scene.workspace(env).online.find(f"titanic-{env}")
        if endpoint is not None:
            left += _idle(scene, env, endpoint, warm)
            kept += _kept(scene, env, endpoint, warm)
    serves = tuple(_served(scene, env) for env in ENVS)
    fulfilled = serves[-1].version in scene.approved and not serves[-1].flaws
    promised = green and bool(scene.approved) and Moment.LATER not in scene.fault.hits
    return End(said, serves, tuple(left), tuple(kept), promised and not fulfilled)


def _served(scene: Scene, env: str) -> Served:
    deployment = scene.served_by(env)
    if not deployment:
        return Served(env, "", ("gone",) if scene.before[env] else ())
    version = scene.version_of(env, deployment)
    wanted = {*scene.approved, scene.before[env]}
    tested = any(scene.answered[deployment]) or deployment in scene.veterans | scene.by_hand
    quality = scene.quality.get(version, 0.0)
    flaws = {
        "hotfix undone": env == "qa" and bool(scene.by_hand) and deployment not in scene.by_hand,
        "not approved": env == "qa" and version not in wanted and deployment not in scene.by_hand,
        "worse": version in scene.quality and quality < scene.quality.get(scene.before[env], quality),
        "broken": not _answers(scene, env),
        "untested": not tested and _answers(scene, env),
    }
    return Served(env, version, tuple(what for what, so in flaws.items() if so))


def _answers(scene: Scene, env: str) -> bool:
    online = scene.workspace(env).online
    endpoint = online.get(f"titanic-{env}")
    uri = online.see(endpoint).scoring_uri
    return good(
        scene.town.scoring.score(uri, endpoint.key, REQUEST, deployment=None, timeout=60.0, request_id="end")
    )


# ---- what is left behind


def _idle(scene: Scene, env: str, endpoint: TwinEndpoint, warm: set[str]) -> list[str]:
    """Deployments that are paid for and serve nobody; the tag says that one of them does."""
    tag = endpoint.tags.get("prod", "").lower()
    found: list[str] = []
    for name, d in endpoint.deployments.items():
        if not endpoint.traffic.get(name) and name not in warm and name not in scene.set_aside:
            state = "idle" if d.state == "Succeeded" else d.state.lower()
            found.append(f"{env}: {scene.version_of(env, name)} {state}{', tagged' if name == tag else ''}")
    if tag and tag not in endpoint.deployments:
        found.append(f"{env}: tag on nothing")
    return found


def _kept(scene: Scene, env: str, endpoint: TwinEndpoint, warm: set[str]) -> list[str]:
    if not endpoint.deployments:
        return [f"{env}: empty endpoint"]
    found: list[str] = []
    for name in endpoint.deployments:
        if not endpoint.traffic.get(name) and name in warm | scene.set_aside:
            why = "set aside by hand" if name in scene.set_aside else "warm"
            found.append(f"{env}: {scene.version_of(env, name)} {why}")
    return found


def _warm(scene: Scene, key: SlotKey) -> list[str]:
    loaded = scene.town.app.ledger.load(key)
    return list(loaded.state.slot.retiring) if loaded else []


def _unfinished(scene: Scene) -> list[str]:
    """Rows of Greenlight's that still ask for work."""
    found: list[str] = []
    for key in (DEV, QA):
        loaded = scene.town.app.ledger.load(key)
        if loaded is None:
            continue
        slot = loaded.state.slot
        found += [f"{key.env}: promotion open"] if slot.open or slot.pending else []
        found += [f"{key.env}: slot taken"] if slot.mover is not None or slot.claim is not None else []
    return found
