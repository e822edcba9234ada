"""The answer, as JSON and as lines for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from orchestrator.doctor.finding import Finding
from orchestrator.doctor.running import Checked
from shared.untrusted import visible

SCHEMA: Final = 1
WELL, WRONG, NOT_KNOWN = 0, 2, 3
_SIGNS = {"well": "✓", "wrong": "✗", "not_known": "?"}
_LONGEST = 1200


def code_of(checked: Sequence[Checked]) -> int:
    """0: all well; 2: something is wrong; 3: nothing is, as far as could be looked at."""
    results = {each.result for each in checked}
    return WRONG if "wrong" in results else NOT_KNOWN if "not_known" in results else WELL


def told(checked: Sequence[Checked], who: str) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "well": code_of(checked) == WELL,
        "asked_by": who,
        "checks": [
            {"check": c.name, "where": c.where, "result": c.result, "seconds": c.seconds} for c in checked
        ],
        "findings": [
            {
                "check": c.name,
                "code": f.code.value,
                "where": f.where,
                "wrong": f.wrong,
                "why": f.why,
                "mend": f.mend.splitlines(),
            }
            for c in checked
            for f in c.findings
        ],
    }


def lines(checked: Sequence[Checked], who: str) -> list[str]:
    said = [f"Asked by {visible(who, 200)}."] if who else []
    for each in checked:
        title = f"{_SIGNS[each.result]} {each.name}{f' ({each.where})' if each.where else ''}"
        said.append(visible(title, 200))
        said += [line for finding in each.findings for line in _finding(finding)]
    count = {result: sum(c.result == result for c in checked) for result in _SIGNS}
    summary = f"{count['well']} checks are well, {count['wrong']} found something wrong"
    return [*said, "", f"{summary}, {count['not_known']} could not be made."]


def _finding(finding: Finding) -> list[str]:
    commands = [visible(line, _LONGEST) for line in finding.mend.splitlines()]
    return [
        f"    {finding.code if finding.known else 'not known'}: {visible(finding.wrong, _LONGEST)}",
        *([f"      why it matters: {finding.why}"] if finding.known else []),
        *(
            f"      {('mend it:' if finding.known else 'try:    ') if n == 0 else '        '} {line}"
            for n, line in enumerate(commands)
        ),
    ]
