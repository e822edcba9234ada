"""Rules of checkov that are left out: each has its reason beside it, or above its group."""

from __future__ import annotations

import re

import yaml

from tests.infra.check import INFRA

TEXT = (INFRA / "checkov.yaml").read_text()


def test_every_exception_is_explained() -> None:
    lines = [line.strip() for line in TEXT.partition("skip-check:")[2].splitlines() if line.strip()]
    exceptions = [line for line in lines if line.startswith("-")]

    assert lines[0].startswith("#")  # the first group has a reason too
    assert [line for line in exceptions if not re.fullmatch(r"- CKV2?_AZURE_\d+ # .{12,}", line)] == []


def test_no_rule_is_left_out_twice_and_nothing_else_is_switched_off() -> None:
    settings = yaml.safe_load(TEXT)
    rules = settings["skip-check"]

    assert len(rules) == len(set(rules))
    assert set(settings) == {"framework", "compact", "quiet", "skip-check"}
