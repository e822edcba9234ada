"""A version asked for by hand goes through the same rails; an endpoint goes on an operator's word alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.approval import Decision
from orchestrator.commands import Command
from orchestrator.model import Phase, Reason, SlotKey, Verdict
from orchestrator.operating import Told
from shared.errors import Invalid, NotFound, Refused, Unavailable, Unknown
from tests.engine.test_operators import OPERATED, asked, journaled, live, tell, tell_of, until
from tests.engine.town import ANA, BEN, DEV, QA, Town

EXCLUDING = OPERATED.replace("      required: 1\n", "      required: 1\n      exclude_author: true\n")


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, OPERATED)


def promote(town: Town, version: str, key: SlotKey = QA, **how: str) -> Told:
    told = town.app.operating.slot(Command.PROMOTE, key, by=BEN, reason="", version=version, **how)
    town.settle()
    return told


def retire(town: Town, *, confirm: str = "titanic@qa", reason: str = "no longer needed") -> Told:
    told = town.app.operating.slot(Command.RETIRE, QA, by=BEN, reason=reason, confirm=confirm)
    town.settle()
    return told


# ---- promote


def test_an_older_version_comes_back_through_gate_and_approval(town: Town) -> None:
    live(town, "1")
    live(town, "2")

    assert promote(town, "1").kind == "accepted"

    p = town.promotion(3)
    assert (p.registration.version, p.phase, p.requester) == ("1", Phase.AWAITING_APPROVAL, BEN.id)
    assert p.gated
    assert p.gates
    town.vote(ANA, Decision.APPROVE)
    town.settle()
    assert town.promotion(3).verdict is Verdict.LIVE
    assert town.state(QA).slot.serving.digest == town.promotion(1).digest
    assert "promote by Ben; it is promotion #3" in [r.entry.why for r in town.app.ledger.journal(QA)]


def test_who_asks_for_it_may_not_approve_it(tmp_path: Path) -> None:
    town = Town(tmp_path, EXCLUDING)
    live(town, "1")
    live(town, "2")
    promote(town, "1")

    told = town.vote(BEN, Decision.APPROVE)

    assert told.kind == "not_allowed"
    assert "you asked for this promotion" in told.message


def test_in_the_first_environment_too_and_then_it_is_offered_on(town: Town) -> None:
    live(town, "1")
    live(town, "2")

    promote(town, "1", DEV)

    assert town.state(DEV).slot.serving.version == "1"
    assert town.promotion(3, QA).registration.version == "1", "asked for on purpose: offered again"


def test_a_version_that_no_event_told_of(town: Town) -> None:
    live(town, "1")
    town.register("2")

    promote(town, "2", DEV)
    town.announce("2")
    town.settle()

    assert town.state(DEV).slot.serving.version == "2"
    assert len(town.app.ledger.promotions(DEV)) == 2, "its event, late, is the same registration"


def test_what_was_never_deployed_before_is_digested_where_it_lies(town: Town) -> None:
    town.register("1")

    promote(town, "1")
    town.vote(ANA, Decision.APPROVE)
    town.settle()

    p = town.promotion(1)
    assert p.verdict is Verdict.LIVE
    assert p.digest
    assert p.frozen


def test_bytes_other_than_the_first_environment_deployed_are_refused(town: Town) -> None:
    asked(town, "1")
    town.vote(ANA, Decision.REJECT, comment="no")
    town.settle()
    town.blobs.container("gldev", "azureml-blobstore").write("models/titanic/1/model.pkl", b"swapped")

    promote(town, "1")

    assert (town.promotion(2).verdict, town.promotion(2).reason) == (Verdict.ERRORED, Reason.BYTES_CHANGED)


def test_a_bad_one_fails_its_gate_as_ever(town: Town) -> None:
    town.register("1", auc=0.5)

    promote(town, "1")

    assert (town.promotion(1).verdict, town.promotion(1).reason) == (Verdict.FAILED, Reason.GATE)


def test_unknown_archived_and_open_versions_are_refused_with_the_reason(town: Town) -> None:
    asked(town, "1")
    promote(town, "9")
    assert "version 9 of titanic does not exist" in town.state(QA).slot.told
    promote(town, "1")
    assert "promotion #1 of version 1 is open already" in town.state(QA).slot.told
    town.register("2")
    town.dev.archive("titanic", "2")
    promote(town, "2")
    assert "version 2 is archived" in town.state(QA).slot.told
    assert len(town.app.ledger.promotions(QA)) == 1


@pytest.mark.parametrize("version", ["", " ", "1/2", "x" * 101, "1\n2", " 1"])
def test_what_can_be_no_version_is_refused_at_the_door(town: Town, version: str) -> None:
    asked(town, "1")
    with pytest.raises(Invalid, match="version"):
        promote(town, version)


def test_unknown_models_and_environments_are_named(town: Town) -> None:
    asked(town, "1")
    with pytest.raises(NotFound, match=r"no entry under models .* matches churn"):
        promote(town, "1", SlotKey("churn", "qa"))
    assert promote(town, "1", SlotKey("titanic", "prod")).kind == "not_allowed"
    assert town.app.operating.slot(Command.PROMOTE, QA, by=ANA, reason="", version="1").kind == "not_allowed"


# ---- retire


def test_retire_takes_the_endpoint_down_and_holds_the_slot(town: Town) -> None:
    live(town, "1")

    assert retire(town).kind == "accepted"

    slot = town.state(QA).slot
    assert town.qa.endpoint("titanic-qa") is None
    assert (slot.serving, slot.previous, slot.retirement, slot.foreign) == (None, None, None, None)
    assert slot.hold == "retired: no longer needed (Ben)"
    assert journaled(town)[-3:] == ["command.retire", "retire.done", "slot.retired"]
    assert slot.idle


def test_nothing_puts_it_up_again_before_somebody_says_so(town: Town) -> None:
    live(town, "1")
    retire(town)
    asked(town, "2")
    town.vote(ANA, Decision.APPROVE)
    town.settle()
    assert town.qa.endpoint("titanic-qa") is None

    tell(town, Command.RESUME)

    assert town.promotion(2).verdict is Verdict.LIVE
    assert town.state(QA).slot.serving.version == "2"


@pytest.mark.parametrize("confirm", ["", "titanic", "titanic@dev", "TITANIC@QA"])
def test_its_name_is_typed_again(town: Town, confirm: str) -> None:
    live(town, "1")
    with pytest.raises(Invalid, match="confirm"):
        retire(town, confirm=confirm)
    with pytest.raises(Invalid, match="reason"):
        retire(town, reason="")
    assert town.traffic()


def test_not_while_something_moves_the_slot(town: Town) -> None:
    live(town, "1")
    asked(town, "2")
    town.vote(ANA, Decision.APPROVE)
    until(town, Phase.DEPLOYING, 2)

    told = retire(town)

    assert (told.kind, town.qa.endpoint("titanic-qa") is not None) == ("closed", True)
    assert "promotion #2 is moving the slot" in told.message
    assert town.state(QA).slot.serving.version == "2"


def test_not_an_endpoint_that_lost_our_mark(town: Town) -> None:
    live(town, "1")
    town.qa.write_traffic("titanic-qa", town.traffic(), {})
    town.clock.advance(60.0)

    retire(town)

    assert town.qa.endpoint("titanic-qa") is not None
    assert "was not made by Greenlight" in town.state(QA).slot.told


def test_an_endpoint_that_vanished_ends_it_too(town: Town) -> None:
    live(town, "1")
    town.qa.delete_endpoint("titanic-qa")
    town.clock.advance(600.0)

    retire(town)

    assert town.state(QA).slot.serving is None
    assert "slot.retired" in journaled(town)
    retire(town, reason="again")
    assert "there is no endpoint titanic-qa" in town.state(QA).slot.told


def test_it_works_on_what_somebody_else_changed(town: Town) -> None:
    live(town, "1")
    town.clock.advance(600.0)
    tags = {**town.qa.endpoint("titanic-qa").tags, "prod": "other"}
    town.qa.write_traffic("titanic-qa", town.traffic(), tags)
    town.clock.advance(60.0)
    asked(town, "2")
    assert town.state(QA).slot.foreign is not None

    retire(town)

    assert town.qa.endpoint("titanic-qa") is None
    assert town.state(QA).slot.foreign is None


@pytest.mark.parametrize("error", [Unavailable("no"), Unknown("no answer")])
def test_a_failing_deletion_is_tried_again(town: Town, error: Exception) -> None:
    live(town, "1")
    town.qa.faults.fail("delete_endpoint", error)

    retire(town)

    assert town.qa.endpoint("titanic-qa") is None


def test_a_deletion_that_is_refused_for_good_is_said(town: Town) -> None:
    live(town, "1")
    town.qa.faults.fail("delete_endpoint", Refused("a lock is on it", code="ScopeLocked"))

    retire(town)

    slot = town.state(QA).slot
    assert "not retired: ScopeLocked: a lock is on it" in slot.told
    assert slot.retirement is None
    assert slot.serving is not None


def test_a_rollback_and_a_retirement_do_not_meet(town: Town) -> None:
    live(town, "1")
    live(town, "2")
    town.app.operating.slot(Command.RETIRE, QA, by=BEN, reason="x", confirm="titanic@qa")
    town.app.operating.slot(Command.ROLLBACK, QA, by=BEN, reason="y")
    town.settle()

    assert town.qa.endpoint("titanic-qa") is None or town.state(QA).slot.serving is not None
    assert town.state(QA).slot.rollback is None
    assert tell_of(town, Command.ABORT, 2).kind == "closed"
