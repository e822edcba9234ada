"""Route templates with ASP.NET's rules, as data."""

from __future__ import annotations

import pytest

from local.functions.routes import RouteError, candidates, compile_route, decoded, matches


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("/", "", {}),
        ("/", "a", None),
        ("{x:maxlength(0)?}", "", {}),
        ("{x:maxlength(0)?}", "a", None),
        ("a/{b}", "a/c", {"b": "c"}),
        ("a/{b}", "A/c", {"b": "c"}),
        ("a/{b}", "a", None),
        ("a/{b}", "a/c/d", None),
        ("a/{b?}", "a", {}),
        ("a/{b=c}", "a", {"b": "c"}),
        ("a/{b=c}", "a/d", {"b": "d"}),
        ("a/{*b}", "a", {}),
        ("a/{*b}", "a/c/d", {"b": "c/d"}),
        ("{*b}", "", {}),
        ("{*b}", "x/y", {"b": "x/y"}),
        ("{a}.json", "x.json", {"a": "x"}),
        ("v{a:int}-{b}", "v1-z", {"a": "1", "b": "z"}),
        ("v{a:int}-{b}", "vx-z", None),
        ("a.b", "axb", None),
        ("{a:int}", "-5", {"a": "-5"}),
        ("{a:int}", "2147483648", None),
        ("{a:long}", "2147483648", {"a": "2147483648"}),
        ("{a:guid}", "6f0c1c0e-4f3c-4c7e-9a55-0d6a5a0b7c11", {"a": "6f0c1c0e-4f3c-4c7e-9a55-0d6a5a0b7c11"}),
        ("{a:guid}", "x", None),
        ("{a:bool}", "True", {"a": "True"}),
        ("{a:alpha}", "abc1", None),
        ("{a:length(2,3)}", "abcd", None),
        ("{a:length(2)}", "ab", {"a": "ab"}),
        ("{a:range(1,9):int}", "10", None),
        ("{a:min(3)}", "3", {"a": "3"}),
        ("{a:regex(^v(1|2)$)}", "v2", {"a": "v2"}),
        ("{a:regex(^v(1|2)$)}", "v3", None),
        ("{a:decimal}", "1.5", {"a": "1.5"}),
    ],
)
def test_match(template: str, path: str, values: dict[str, str] | None) -> None:
    assert compile_route("", template).match(path) == values


def test_prefix_comes_before_every_route() -> None:
    assert compile_route("api", "a/{b}").template == "/api/a/{b}"
    assert compile_route("api", "/").match("api") == {}
    assert compile_route("", "/").template == "/"


def test_most_specific_route_wins_whatever_the_order() -> None:
    templates = ["{*all}", "{a}/{b}", "x/{b}", "x/{b:int}", "x/y"]
    table = candidates((compile_route("", t), frozenset(), t) for t in templates)

    def winner(path: str) -> str:
        return next(matches(table, "GET", path))[1]

    assert winner("x/y") == "x/y"
    assert winner("x/1") == "x/{b:int}"
    assert winner("x/z") == "x/{b}"
    assert winner("q/z") == "{a}/{b}"
    assert winner("q/z/1") == "{*all}"


def test_routes_of_other_methods_do_not_hide_a_route() -> None:
    table = candidates(
        [
            (compile_route("", "a/b"), frozenset({"POST"}), "post"),
            (compile_route("", "a/{x}"), frozenset(), "any"),
        ]
    )

    assert [name for _, name, _ in matches(table, "POST", "a/b")] == ["post", "any"]
    assert [name for _, name, _ in matches(table, "GET", "a/b")] == ["any"]


def test_path_is_decoded_but_an_escaped_slash_stays() -> None:
    assert decoded(b"/a%20b/c%2Fd/%C3%A9/") == "a b/c%2Fd/é"


@pytest.mark.parametrize("template", ["{a}/{A}", "{a:nonsense}", "{a", "a}"])
def test_what_is_refused(template: str) -> None:
    with pytest.raises(RouteError):
        compile_route("", template)
