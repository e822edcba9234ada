"""Who may not decide, and that what is done is what was approved (S4)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.approval import Decision, RequestState
from orchestrator.commands import Command
from orchestrator.model import Reason, Verdict
from orchestrator.operating import Told
from orchestrator.votes import tally
from orchestrator.world import Change
from shared.identity import Principal
from tests.engine.town import ANA, AUTHOR, BEN, DEV, OSCAR, PIPELINE, QA, TENANT, Town

OPERATED = PIPELINE.replace(
    '    endpoint: "{model}-qa"\n', '    endpoint: "{model}-qa"\n    operators: [{name: Ben, id: "${BEN}"}]\n'
)
ADA = Principal(tenant=TENANT, oid=AUTHOR, name="Ada")
DAY = 86400.0


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, OPERATED)


def asked(town: Town, version: str = "1") -> None:
    town.register(version)
    town.announce(version)
    town.settle()


def tell(town: Town, command: Command, n: int = 1, *, by: Principal = BEN) -> Told:
    told = town.app.operating.promotion(command, QA, n, by=by, reason="because")
    town.settle()
    return told


# ---- who is excluded


def test_whoever_ran_the_training_does_not_decide(town: Town) -> None:
    town.register("1")
    known = town.runs.run(town.dev.tracking_uri(), "run-titanic-1")
    assert known is not None
    town.runs.add(town.dev.tracking_uri(), replace(known, owner=ANA.oid))
    town.announce("1")
    town.settle()

    by_ana, by_ben = town.vote(ANA, Decision.APPROVE), town.vote(BEN, Decision.APPROVE)

    assert (by_ana.kind, by_ben.kind) == ("not_allowed", "recorded")
    assert "ran the training" in by_ana.message


def test_whoever_asked_by_retry_does_not_decide_it_in_any_environment(town: Town) -> None:
    asked(town)
    town.vote(ANA, Decision.REJECT)
    town.settle()
    tell(town, Command.RETRY, by=BEN)

    refused, counted = town.vote(BEN, Decision.APPROVE), town.vote(ANA, Decision.APPROVE)

    assert (refused.kind, counted.kind) == ("not_allowed", "recorded")
    assert "you asked for this promotion" in refused.message


def test_a_display_name_is_no_author_and_costs_one_approver_more(town: Town) -> None:
    made = town.register("1")
    town.dev._kept(replace(made, created_by="Ada Author"))  # as the platform may tell it
    town.announce("1")
    town.settle()

    first = town.vote(ANA, Decision.APPROVE)
    second = town.vote(BEN, Decision.APPROVE)

    assert (first.request_state, second.request_state) == (RequestState.OPEN, RequestState.GRANTED)


def test_groups_that_could_not_be_read_are_said_through_the_vote(tmp_path: Path) -> None:
    leads = "22222222-0000-4000-8000-000000000001"
    text = OPERATED.replace(
        'approvers: [{name: Ana, id: "${ANA}"}, {name: Ben, id: "${BEN}"}]',
        f"approvers: [{{name: Leads, group: {leads}}}]",
    )
    town = Town(tmp_path, text)
    asked(town)

    unread = town.vote(replace(OSCAR, groups_known=False), Decision.APPROVE)
    gone = town.vote(OSCAR, Decision.APPROVE)
    member = town.vote(replace(OSCAR, groups=frozenset({leads})), Decision.APPROVE)

    assert (unread.kind, gone.kind, member.kind) == ("not_allowed", "not_allowed", "recorded")
    assert "your groups could not be read" in unread.message
    assert "not among the approvers" in gone.message


# ---- bound to evidence


def decided(town: Town, n: int) -> RequestState:
    state = town.state(QA)
    return tally(state.requests[n], state.votes[n], town.clock.now(), author=AUTHOR)


def test_no_two_requests_have_the_same_hash_and_votes_stay_with_theirs(town: Town) -> None:
    asked(town)
    first = town.state(QA).requests[1]
    town.vote(ANA, Decision.APPROVE)
    changed = replace(town.state(QA).requests[1], subject=replace(first.subject, incumbent="other bytes"))
    loaded = town.app.ledger.load(QA)
    assert loaded is not None
    town.app.ledger.commit(loaded, Change(slot=loaded.state.slot, requests=(changed,)), now=town.clock.now())
    town.settle()

    second = town.state(QA).requests[1]
    lapsed = town.app.ledger.request(QA, 1, 1)
    assert lapsed is not None
    assert (second.k, decided(town, 1)) == (2, RequestState.OPEN)
    assert "what serves now is not what was shown" in lapsed.closed
    assert second.hash != first.hash
    assert town.vote(ANA, Decision.APPROVE).kind == "recorded"  # the old answer is in nobody's way
    town.settle()
    assert town.promotion(1).verdict is Verdict.LIVE


def test_a_snapshot_that_somebody_edited_lapses(town: Town) -> None:
    asked(town)
    request = town.state(QA).requests[1]
    town.vote(ANA, Decision.APPROVE)
    forged = replace(request, snapshot={**request.snapshot, "metrics": {"test_auc": 0.99}})
    loaded = town.app.ledger.load(QA)
    assert loaded is not None
    town.app.ledger.commit(loaded, Change(slot=loaded.state.slot, requests=(forged,)), now=town.clock.now())

    town.settle()

    lapsed = town.app.ledger.request(QA, 1, 1)
    assert lapsed is not None
    assert "the record of what was shown was changed" in lapsed.closed
    assert town.state(QA).requests[1].k == 2


def test_what_is_deployed_is_what_was_shown_not_what_policy_says_by_then(tmp_path: Path) -> None:
    town = Town(tmp_path, OPERATED)
    asked(town)
    edited(town)

    town.vote(ANA, Decision.APPROVE)
    town.settle()

    (deployment,) = town.qa.deployments("titanic-qa")
    assert (deployment.instance_count, town.promotion(1).verdict) == (1, Verdict.LIVE)


def edited(town: Town) -> None:
    """From now on the engine works with a policy that was edited: nine instances in qa."""
    engine, policy = town.app.engine, town.app.policy
    dev, qa = policy.file.environments
    qa = qa.model_copy(update={"deployment": qa.deployment.model_copy(update={"instance_count": 9})})
    policy = replace(policy, file=policy.file.model_copy(update={"environments": (dev, qa)}))
    town.app = replace(town.app, engine=replace(engine, outside=replace(engine.outside, policy=policy)))


@pytest.mark.parametrize(
    ("change", "reason"),
    [("files", Reason.BYTES_CHANGED), ("model", Reason.FOREIGN_CHANGE)],
)
def test_in_the_first_environment_too_the_digest_is_observed_before_the_switch(
    town: Town, change: str, reason: Reason
) -> None:
    town.register("1")
    town.announce("1")
    original = town.scoring.score

    def meanwhile(*args: object, **how: object) -> object:
        """While the candidate is asked by name, somebody lays hand on what it was made from."""
        if change == "files":
            town.blobs.container("gldev", "azureml-blobstore").write("models/titanic/1/model.pkl", b"other")
        else:
            name = str(how["deployment"])
            town.dev.online.get("titanic-dev").deployments[name].model = ("titanic", "9")
        return original(*args, **how)  # type: ignore[arg-type]

    town.scoring.score = meanwhile  # type: ignore[method-assign,assignment]
    town.settle()

    p = town.promotion(1, DEV)
    assert (p.verdict, p.reason) == (Verdict.ERRORED, reason)
    assert town.traffic(DEV) == {}
