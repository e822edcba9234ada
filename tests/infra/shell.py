"""The simple commands of a shell text. Only as much of sh as docs, scripts, pipelines and doctor use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

Words = tuple[str, ...]
_BEFORE = re.compile(r"(if|until|while|then|do|else|!|\{|eval|export|[A-Za-z_]\w*=.*)$", re.DOTALL)
"""What may stand before a command's name."""
_ENDS = "\n;|&()"


def commands(text: str, name: str) -> Iterator[Words]:
    """Every call of `name`, also inside $(…), as words: quotes taken away, variables left as they are."""
    for words in _Reader(text.replace("\\\n", " ")).read():
        at = next((n for n, word in enumerate(words) if not _BEFORE.match(word)), len(words))
        if words[at : at + 1] == (name,):
            yield words[at:]


@dataclass
class _Reader:
    text: str
    at: int = 0
    found: list[Words] = field(default_factory=list)

    def read(self) -> list[Words]:
        while self.at < len(self.text):
            self._command()
            self.at += 1  # whatever ended it
        return self.found

    def _command(self) -> None:
        words: list[str] = []
        while self.at < len(self.text) and (char := self.text[self.at]) not in _ENDS:
            if char in " \t":
                self.at += 1
            elif char == "#":
                self.at = (self.text + "\n").index("\n", self.at)
            elif char in "<>":
                self.at += 1
                self.at += self.text[self.at : self.at + 1] == "&"
                self._skip_blanks()
                self._word()
            else:
                word = self._word()
                if not (word.isdigit() and self.text[self.at : self.at + 1] in ("<", ">")):
                    words.append(word)
        self.found.append(tuple(words))

    def _skip_blanks(self) -> None:
        while self.text[self.at : self.at + 1] in (" ", "\t"):
            self.at += 1

    def _word(self) -> str:
        word = ""
        while self.at < len(self.text) and self.text[self.at] not in f" \t<>{_ENDS}":
            word += self._part()
        return word

    def _part(self) -> str:
        char = self.text[self.at]
        if char == "'":
            end = self.text.index("'", self.at + 1)
            inside, self.at = self.text[self.at + 1 : end], end + 1
            return inside
        if char == '"':
            return self._quoted()
        return self._plain()

    def _quoted(self) -> str:
        self.at += 1
        word = ""
        while self.text[self.at] != '"':
            word += self._plain()
        self.at += 1
        return word

    def _plain(self) -> str:
        if self.text.startswith("$(", self.at):
            return self._inner()
        if self.text.startswith("${", self.at):
            end = self.text.index("}", self.at)
            part, self.at = self.text[self.at : end + 1], end + 1
            return part
        self.at += 1 + (self.text[self.at] == "\\")
        return self.text[self.at - 1]

    def _inner(self) -> str:
        self.at += 2
        while self.text[self.at] != ")":
            self._command()
            self.at += self.text[self.at] != ")"
        self.at += 1
        return "$()"
