"""Steps 1 to 6: from an empty cloud to the first version, approved and serving in qa."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.config import PEOPLE
from local.demo.people import APPROVER, name_of
from local.demo.story import SOURCE, TARGET, Step, Story
from local.demo.waiting import check, equal, wait

if TYPE_CHECKING:
    from typing import Any

HEALTHY_SECONDS = 60.0
COMMENT = "Looks right; the first version for qa."


def _start(story: Story) -> None:
    story.tell.progress(0, 1, "Azurite, Azure ML emulator, Event Grid, Functions host, sign-in, Teams")
    story.place.start()


def _cloud_answers(story: Story) -> str:
    equal("services that do not answer", [], story.place.silent(), story.world.logs)
    wait(  # it says degraded while the last listing of a workspace failed, and lists again by itself
        story.world.health,
        lambda status: status == "ok",
        within=HEALTHY_SECONDS,
        expected="GET /healthz says ok",
        read=story.world.log("functions"),
    )
    for workspace in story.place.config.workspaces:
        found = story.world.workspace(workspace.env).workspaces.get(workspace.name)
        equal("workspace", workspace.name, found and found.name, story.world.log("azureml"))
        versions = story.world.versions(workspace.env)
        advice = "python -m local demo --help: another --model, or another --home"
        equal(f"versions of {story.model} in {workspace.env}", [], versions, advice)
    names = " and ".join(w.name for w in story.place.config.workspaces)
    return f"the product is healthy; azure-ai-ml reads the workspaces {names}"


def _train(story: Story) -> None:
    story.train("modest")


def trained(story: Story) -> str:
    """The version knows its run, and the run its numbers."""
    from mlflow import MlflowClient

    made = story.newest
    workspace = story.place.config.workspaces[0]
    uri = f"{story.place.config.arm_url}/mlflow/v1.0{workspace.id}"
    run = MlflowClient(tracking_uri=uri).get_run(made.run_id)
    log = story.world.log("azureml")
    equal(f"run {made.run_id}", "FINISHED", run.info.status, log)
    equal("test_auc of run and version", made.auc, round(run.data.metrics["test_auc"], 4), log)
    model = story.world.registered(SOURCE, made.version)
    equal("job of the version", made.run_id, model.job_name if model else None, log)
    return f"job {made.run_id} completed; {story.model} v{made.version} registered, test_auc {made.auc:.4f}"


def _deploy(story: Story) -> None:
    story.live(SOURCE)


def _serves_in_dev(story: Story) -> str:
    endpoint, scored = story.serves(SOURCE, story.newest)
    promotion = story.live(SOURCE)
    equal("requests for approval in dev", [], promotion["requests"], story.world.log("functions"))
    return f"{endpoint.name}: {scored.deployment} has 100 % and answered; nobody had to be asked"


def _ask(story: Story) -> None:
    story.asked()


def _card_is_there(story: Story) -> str:
    log = story.world.log("functions")
    promotion = story.follow(TARGET, "waiting for approval", lambda p: bool(p["request"]))
    waiting = (promotion["phase"], promotion["request"]["state"], promotion["request"]["approvals"])
    equal("phase, request, approvals", ("AwaitingApproval", "open", 0), waiting, log)
    equal("endpoint in qa", None, story.world.endpoint(TARGET), log)
    equal("versions in qa", [], story.world.versions(TARGET), log)
    facts = facts_of(story.newest.card)
    digest = promotion["digest"][:12]
    check(f"the card names the digest {digest}", facts, log, holds=digest in facts.get("Digest", ""))
    for title in ("Plan", "Run", "Digest"):
        story.tell.note(f"{title:7}{facts.get(title, '')}")
    story.tell.note(f"Button {story.link[:60]}…")
    return f"Teams shows a card for {story.model} v{story.newest.version}; qa is still empty"


def _approve(story: Story) -> None:
    story.decide("approve", COMMENT)


def _approved(story: Story) -> str:
    vote = only_vote(story)
    said = {k: vote[k] for k in ("decision", "comment", "channel")}
    wanted = {"decision": "approve", "comment": COMMENT, "channel": "page"}
    equal("the vote", wanted, said, story.world.log("functions"))
    return f"{vote['name']} signed in, read the page and pressed Approve; the vote is recorded"


def only_vote(story: Story, person: str = APPROVER) -> dict[str, Any]:
    """The one vote on the newest version in qa: Ana's, or that person's."""
    log = story.world.log("functions")
    promotion = story.world.promotion(TARGET, story.newest.version) or {"requests": []}
    votes = [vote for request in promotion["requests"] for vote in request["votes"]]
    voter = next(p for p in PEOPLE if p.key == person)
    voters = [v["approver"].rpartition("/")[2] for v in votes]
    equal(f"voters ({name_of(person)} alone)", [voter.oid], voters, log)
    return votes[0]


def _promote(story: Story) -> None:
    story.live(TARGET)


def _serves_in_qa(story: Story) -> str:
    serving = story.now_serves()
    same_bytes(story)
    scored = story.world.score(serving.endpoint)
    for passenger, (_, survives) in zip(PASSENGERS, scored.rows, strict=True):
        story.tell.note(f"{passenger:37} survives: {survives:.0%}")
    return f"{serving.deployment} has 100 % in qa and answered a request; its bytes are those approved"


PASSENGERS = (
    "first class, woman of 38",
    "third class, man of 22",
    "second class, woman of 29, 2 children",
    "third class, man of unknown age",
)


def same_bytes(story: Story) -> None:
    """What qa registered is what dev deployed, by digest, and says where it comes from."""
    log = story.world.log("azureml")
    promotion = story.live(SOURCE)
    model = story.world.registered(TARGET, story.newest.version)
    check(f"v{story.newest.version} registered in qa", "nothing", log, holds=model is not None)
    properties, tags = (model.properties, model.tags) if model else ({}, {})
    equal("digest in qa", promotion["digest"], (properties or {}).get("greenlight_digest"), log)
    equal("run of the version in qa", story.newest.run_id, (tags or {}).get("run_id"), log)


def facts_of(card: Any) -> dict[str, str]:
    """Titles and values of the card's fact sets."""
    found: dict[str, str] = {}
    for part in card.get("body", []):
        if part.get("type") == "FactSet":
            found |= {fact["title"]: fact["value"] for fact in part["facts"]}
    return found


STEPS = (
    Step("Start the cloud", _start, _cloud_answers),
    Step("Train v1 in dev, as a pipeline job", _train, trained),
    Step("v1 is deployed in dev", _deploy, _serves_in_dev),
    Step("Approval for qa is asked in Teams", _ask, _card_is_there),
    Step("Approve through the card's link", _approve, _approved),
    Step("v1 serves in qa", _promote, _serves_in_qa),
)
