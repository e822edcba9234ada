"""The form on a page, as a browser finds it: where it goes, what it carries, its buttons."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict[str, str])  # hidden ones, with their values
    asked: list[str] = field(default_factory=list[str])  # those that a person fills in
    buttons: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])  # name, value

    def filled(self, name: str, value: str, **answers: str) -> dict[str, str]:
        """What a browser sends when that button is pressed. Raises LookupError for what the form lacks."""
        if (name, value) not in self.buttons:
            raise LookupError(f"no button {name}={value} on the page; there are {self.buttons}")
        if unknown := set(answers) - set(self.asked):
            raise LookupError(f"no field {', '.join(unknown)} on the page; there are {self.asked}")
        return {**self.fields, **answers, name: value}


def posting_form(page: str) -> Form | None:
    """The first form of the page that is sent by POST."""
    reader = _Reader()
    reader.feed(page)
    return reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: Form | None = None
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and given.get("method", "").lower() == "post" and self.found is None:
            self.found = self._open = Form(given.get("action", ""))
        if self._open is None or "name" not in given:
            return
        match tag, given.get("type", ""):
            case "input", "hidden":
                self._open.fields[given["name"]] = given.get("value", "")
            case (("input" | "textarea"), _):
                self._open.asked.append(given["name"])
            case "button", _:
                self._open.buttons.append((given["name"], given.get("value", "")))
            case _:
                pass

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
