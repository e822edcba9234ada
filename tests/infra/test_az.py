"""Every `az` command of docs, scripts, pipelines and doctor is one that az takes, as az.py recorded it."""

from __future__ import annotations

import ast
import json

import pytest

from tests.infra.az import DATA, Known, name_of, said, wrong
from tests.infra.mends import SOURCES, printed
from tests.infra.shell import commands

CALLS = list(said())
GROUP = "az group create --name gl --location westeurope"


@pytest.fixture(scope="module")
def known() -> Known:
    return json.loads(DATA.read_text())


@pytest.mark.parametrize(("where", "words"), CALLS, ids=[f"{w}: {name_of(words)}" for w, words in CALLS])
def test_az_takes(known: Known, where: str, words: tuple[str, ...]) -> None:
    assert list(wrong(words, known)) == [], (
        f"{where}: {' '.join(words)} (new here? az.py says how to record it)"
    )


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("az group make --name gl", "az has no command 'group make'"),
        (f"{GROUP} --colour green", "az group create has no option --colour"),
        ("az group create --name gl", "az group create needs --location"),
        (f"{GROUP} --output yml", "az group create --output: may not be yml"),
        ("az group create --location --name gl", "az group create --location: takes 1 values, and gets 0"),
        ("az group create --name gl --location west europe", "takes 1 values, and gets 2"),
        ("az account show --query", "az account show --query: takes 1 values, and gets 0"),
    ],
)
def test_a_wrong_call_is_found(known: Known, call: str, says: str) -> None:
    (words,) = commands(call, "az")

    (only,) = wrong(words, known)
    assert says in only


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("x=$(az a --q \"[?b=='c'].[d, e]\") || exit 1", [("az", "a", "--q", "[?b=='c'].[d, e]")]),
        ("until az a >/dev/null 2>&1; do\n  az b \\\n    --c\ndone", [("az", "a"), ("az", "b", "--c")]),
        ('az a --b \'{"c": "\'"$d"\'",\n "e": 1}\' # az f', [("az", "a", "--b", '{"c": "$d",\n "e": 1}')]),
        (
            'printf %s "$(az a)" | az b --c "$(az d "f g")"',
            [("az", "a"), ("az", "b", "--c", "$()"), ("az", "d", "f g")],
        ),
        ("echo az a; 'az' b", [("az", "b")]),
    ],
)
def test_calls_are_read_as_sh_reads_them(text: str, calls: list[tuple[str, ...]]) -> None:
    assert sorted(commands(text, "az")) == sorted(calls)


def test_the_list_has_what_is_called_and_nothing_else(known: Known) -> None:
    assert set(known) == {name_of(words) for _, words in CALLS}


def test_everything_that_doctor_prints_is_looked_at() -> None:
    """Each command in its source is part of something that its judgements were seen to print."""
    seen = "\n".join(printed())
    missed: list[str] = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            first = node.values[0] if isinstance(node, ast.JoinedStr) else node
            text = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
            begun = [line for line in text.splitlines() if line.startswith("az ")]
            missed += [line for line in begun if line not in seen]

    assert missed == []
