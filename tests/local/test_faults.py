"""Fault rules: which happenings they match, how often they fire, and that processes share the count."""

from __future__ import annotations

import asyncio
import multiprocessing
from pathlib import Path

import pytest

from local import faults
from local.config import LocalConfig

PUT = {"on": "arm", "method": "PUT", "path": "*/onlineEndpoints/*"}


@pytest.fixture
def config(tmp_path: Path) -> LocalConfig:
    return LocalConfig(home=tmp_path)


def put(config: LocalConfig, path: str = "/x/onlineEndpoints/y") -> faults.Rule | None:
    return faults.take(config, "arm", method="PUT", path=path, workspace="dev", oid=None)


def test_a_rule_fires_for_what_it_matches_and_nothing_else(config: LocalConfig) -> None:
    faults.add(config, {**PUT, "status": 503})

    fired = put(config)
    assert fired is not None
    assert fired["status"] == 503
    assert put(config, "/x/models/y") is None
    assert faults.take(config, "arm", method="GET", path="/x/onlineEndpoints/y") is None
    assert faults.take(config, "operation", verb="endpoint_put") is None


def test_a_rule_may_be_limited_and_start_late(config: LocalConfig) -> None:
    faults.add(config, {**PUT, "status": 503, "skip": 1, "times": 2})

    assert [bool(put(config)) for _ in range(5)] == [False, True, True, False, False]


def test_chance_depends_on_the_seed_only(config: LocalConfig) -> None:
    def story(seed: int) -> list[bool]:
        faults.clear(config)
        faults.add(config, {**PUT, "status": 503, "chance": 0.5, "seed": seed})
        return [bool(put(config)) for _ in range(20)]

    assert story(1) == story(1)
    assert story(1) != story(2)
    assert 0 < sum(story(1)) < 20


def test_rules_are_lifted_by_id_or_all_at_once(config: LocalConfig) -> None:
    first = faults.add(config, {**PUT, "status": 503})
    faults.add(config, {**PUT, "status": 429})
    faults.remove(config, first)

    assert (put(config) or {})["status"] == 429
    faults.clear(config)
    assert put(config) is None


@pytest.mark.parametrize(
    "rule", [{"on": "amr"}, {**PUT, "statsu": 503}, {}, {"on": "score", "endpoint_name": "x"}]
)
def test_a_rule_that_could_never_fire_is_refused(config: LocalConfig, rule: faults.Rule) -> None:
    with pytest.raises(faults.UnknownFaultError):
        faults.add(config, rule)

    assert faults.load(config) == []


def _fire(home: str) -> int:
    return sum(bool(put(LocalConfig(home=Path(home)))) for _ in range(25))


def test_processes_share_the_count(config: LocalConfig) -> None:
    faults.add(config, {**PUT, "status": 503, "times": 30})

    with multiprocessing.get_context("spawn").Pool(2) as pool:
        fired = pool.map(_fire, [str(config.home)] * 2)

    assert sum(fired) == 30


def test_a_held_request_stays_until_its_rule_is_lifted(config: LocalConfig) -> None:
    rule = faults.add(config, {**PUT, "held": "before"})

    async def told() -> None:
        held = asyncio.create_task(faults.hold(config, rule))
        while not faults.holds(config, rule):
            assert not held.done()
            await asyncio.sleep(0)
        assert not held.done()
        faults.remove(config, rule)
        await asyncio.wait_for(held, 5)

    asyncio.run(told())
    assert not faults.holds(config, rule)


def test_a_request_is_held_on_one_of_two_sides(config: LocalConfig) -> None:
    with pytest.raises(faults.UnknownFaultError, match="before or after"):
        faults.add(config, {**PUT, "held": "during"})
