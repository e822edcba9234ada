"""The tables are lost: what endpoint tags, deployments and registered models still say becomes rows again."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.approval import Decision
from orchestrator.commands import Command
from orchestrator.ledger import Ledger
from orchestrator.model import Reason, SlotKey, Verdict
from orchestrator.rebuild import Rebuild, Written
from orchestrator.rebuild_cli import over, said_lines, told
from orchestrator.rebuilding import LEAP, Plan
from shared.store import Delete
from simulation.twins.store import TwinStore
from tests.engine.test_operators import OPERATED, asked, journaled, live, tell, tell_of
from tests.engine.town import ANA, DEV, QA, Town

BY = "Olga of the platform team"


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, OPERATED)


def after_the_loss(town: Town, root: Path) -> Town:
    """The same workspaces, blobs and runs; every table and queue is empty."""
    other = Town(root, OPERATED, world=town)
    assert isinstance(other.store, TwinStore)
    return other


def rebuilding(town: Town) -> Rebuild:
    return over(town.app.settings, town.app.policy, town.ports)


def rebuild(town: Town) -> tuple[Plan, Written]:
    command = rebuilding(town)
    planned = command.plan(BY)
    return planned, command.write(planned)


def serving(town: Town, key: SlotKey) -> tuple[str, str, str, str]:
    found = town.state(key).slot.serving
    assert found is not None
    return found.version, found.target_version, found.digest, found.deployment


def test_what_serves_is_known_again_and_the_journal_says_who_rebuilt_it(town: Town, tmp_path: Path) -> None:
    live(town, "1")
    before = {key: serving(town, key) for key in (DEV, QA)}
    metrics, size = town.promotion(1).metrics, town.promotion(1).size
    assert size > 0
    new = after_the_loss(town, tmp_path)

    planned, written = rebuild(new)

    assert written.slots == ("titanic@dev", "titanic@qa")
    assert written.names == ("titanic-dev", "titanic-qa")
    assert {key: serving(new, key) for key in (DEV, QA)} == before
    (row,) = new.app.ledger.journal(QA)
    assert (row.entry.what, row.entry.by) == ("slot.rebuilt", BY)
    assert "rebuilt from tags of endpoint titanic-qa" in row.entry.why
    audit = new.app.ledger.verify(QA)
    assert audit is not None
    assert audit.problems == ()
    p = new.promotion(1)
    assert (p.verdict, p.metrics, p.size) == (Verdict.LIVE, metrics, size)
    assert new.state(QA).slot.next_n == LEAP + 1
    text = "\n".join(said_lines(planned, written))
    for word in ("votes", "journals", "open promotions", "dead letters", "holds"):
        assert word in text


def test_it_is_done_once_and_nothing_is_written_over(town: Town, tmp_path: Path) -> None:
    live(town, "1")
    new = after_the_loss(town, tmp_path)
    rebuild(new)
    before = new.state(QA)

    planned, written = rebuild(new)

    assert planned.empty
    assert written == Written((), (), False, ())
    assert new.state(QA) == before
    assert "Nothing is missing" in "\n".join(said_lines(planned, written))


def test_a_plan_writes_nothing(town: Town, tmp_path: Path) -> None:
    live(town, "1")
    new = after_the_loss(town, tmp_path)

    planned = rebuilding(new).plan(BY)

    assert not planned.empty
    assert new.app.ledger.load(QA) is None
    assert new.app.ledger.slot_keys()[0] == []
    assert told(planned, None)["written"] is False


def test_afterwards_a_new_version_goes_all_the_way(town: Town, tmp_path: Path) -> None:
    live(town, "1")
    new = after_the_loss(town, tmp_path)
    rebuild(new)
    new.sweep()

    live(new, "2")

    assert serving(new, QA)[0] == serving(new, DEV)[0] == "2"
    assert new.traffic() == {serving(new, QA)[3]: 100}
    assert len(new.qa.deployments("titanic-qa")) == 1, "what served before was retired"


def test_what_was_approved_and_does_not_serve_yet_is_asked_again(town: Town, tmp_path: Path) -> None:
    live(town, "1")
    asked(town, "2")
    town.vote(ANA, Decision.APPROVE)
    new = after_the_loss(town, tmp_path)
    rebuild(new)

    new.sweep()

    request = next(iter(new.state(QA).requests.values()))
    assert new.promotion(request.n).registration.version == "2"
    assert new.state(QA).votes[request.n] == ()
    assert serving(new, QA)[0] == "1"
    new.vote(ANA, Decision.APPROVE)
    new.settle()
    assert serving(new, QA)[0] == "2"


def test_what_serves_everywhere_is_asked_about_nobody(town: Town, tmp_path: Path) -> None:
    live(town, "1")
    new = after_the_loss(town, tmp_path)
    rebuild(new)

    new.sweep()
    new.announce("1", id_="the same registration, told once more")
    new.settle()

    assert new.requests() == []
    assert new.state(DEV).slot.open == new.state(QA).slot.open == ()


def test_split_or_foreign_traffic_is_held_until_somebody_adopts(town: Town, tmp_path: Path) -> None:
    live(town, "1")
    (good,) = town.traffic()
    endpoint = town.qa.endpoint("titanic-qa")
    assert endpoint is not None
    town.qa.write_traffic("titanic-qa", {good: 100}, {**endpoint.tags, "prod": "another"})
    town.clock.advance(60)
    new = after_the_loss(town, tmp_path)

    planned, _ = rebuild(new)

    assert "tag prod says another" in "\n".join(said_lines(planned, None))
    slot = new.state(QA).slot
    assert slot.serving is None
    assert "adopt it, then resume" in slot.hold
    tell(new, Command.ADOPT, reason="it is the right one")
    tell(new, Command.RESUME)
    assert serving(new, QA)[3] == good


def test_a_journal_that_survived_its_slot_row_is_continued(town: Town) -> None:
    live(town, "1")
    long = len(journaled(town))
    table = town.store.table("slots")
    row = table.get("titanic@qa", "slot")
    assert row is not None

    table.commit("titanic@qa", [Delete("slot", row.etag)])

    rebuild(town)

    assert journaled(town)[-1] == "slot.rebuilt"
    assert len(journaled(town)) == long + 1
    audit = Ledger(town.store, town.app.settings.journal_key).verify(QA)
    assert audit is not None
    assert audit.problems == ()
    assert "its votes and its journal are lost" not in town.promotion(1).sentence, "its own row knows more"


def test_endpoints_without_our_mark_are_left_alone_and_named(town: Town) -> None:
    town.qa.create_endpoint("somebody", tags={"team": "theirs"})
    town.qa.create_endpoint("titanic-2-qa", tags={"greenlight_slot": "titanic@qa"})
    town.clock.advance(60)

    planned, written = rebuild(town)

    assert written.slots == written.names == ()
    assert sorted(planned.left) == [
        "qa: endpoint somebody: it does not carry our mark",
        "qa: endpoint titanic-2-qa: its mark names titanic@qa, "
        "whose endpoint is titanic-qa by greenlight.yaml",
    ]


def test_a_slot_that_a_running_app_began_anew_is_left_and_named_until_it_is_adopted(
    town: Town, tmp_path: Path
) -> None:
    live(town, "1")
    new = after_the_loss(town, tmp_path)
    new.sweep()
    asked(new, "2")
    assert new.promotion(1, DEV).reason is Reason.FOREIGN_CHANGE, "it meets traffic that it does not know"
    before = new.state(DEV)

    planned, written = rebuild(new)

    assert written.slots == ("titanic@qa",)
    assert new.state(DEV) == before
    (left,) = planned.left
    assert "titanic@dev: its row does not know that v1-" in left
    assert "`greenlight adopt titanic@dev --reason …`" in left
    assert new.traffic() == {serving(new, QA)[3]: 100}

    tell(new, Command.ADOPT, key=DEV, reason="it served before the loss")
    tell_of(new, Command.RETRY, 1, DEV)
    new.settle()
    assert serving(new, DEV)[0] == "2"
    assert rebuild(new)[0].left == ()
