"""How the story looks in a terminal: bars while something happens, a line for each step, a table."""

from __future__ import annotations

import sys
import textwrap
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

if TYPE_CHECKING:
    from local.demo.waiting import NotSo

PLAIN_WIDTH = 110  # of output that goes to no terminal
INDENT = " " * 7
TITLE_WIDTH, BAR_WIDTH = 41, 16


@dataclass(frozen=True)
class Told:
    """One step that is over: when it began, how long it took, what the world showed."""

    number: int
    title: str
    at: float
    seconds: float
    proof: str


class Teller:
    def __init__(self, steps: int) -> None:
        terminal = sys.stdout.isatty()
        self.console = Console(
            file=sys.stdout,  # this one, wherever a library's output is sent meanwhile
            width=None if terminal else PLAIN_WIDTH,
            highlight=False,
        )
        self.told: list[Told] = []
        self._began = time.monotonic()
        self._bars = Progress(
            TextColumn("{task.description}", table_column=Column(width=TITLE_WIDTH, no_wrap=True)),
            BarColumn(BAR_WIDTH),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[now]}", table_column=Column(no_wrap=True, overflow="ellipsis")),
            console=self.console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            disable=not terminal,
        )
        self._whole = self._bars.add_task("the story", total=steps, now="")
        self._step = self._bars.add_task("", total=None, now="", visible=False)
        self._notes: list[str] = []

    def __enter__(self) -> Teller:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    @property
    def told_seconds(self) -> float:
        """What the steps took that were told, without the clearing away."""
        return self.told[-1].at + self.told[-1].seconds if self.told else 0.0

    def begin(self, number: int, title: str) -> None:
        self._notes.clear()
        self._bars.reset(self._step, description=f"{number}. {title}", total=None, now="", visible=True)

    def progress(self, done: float, total: float, now: str) -> None:
        """How far the step in hand is, and what happens in it now."""
        self._bars.update(self._step, completed=done, total=total, now=escape(now))

    def note(self, text: str) -> None:
        """Something worth seeing; shown under the step's line."""
        self._notes.append(text)

    def end(self, told: Told) -> None:
        self.told.append(told)
        self._bars.update(self._step, visible=False)
        self._bars.advance(self._whole)
        self.console.print(
            f"[green]✓[/] [bold]{told.number:2}. {escape(told.title)}[/]  [dim]{told.seconds:.1f} s[/]"
        )
        self._indented(told.proof)
        for note in self._notes:
            self._indented(note, "dim")

    def _indented(self, text: str, style: str = "") -> None:
        for line in textwrap.wrap(text, self.console.width - len(INDENT)):
            self.console.print(INDENT, Text(line, style), sep="")

    def table(self) -> None:
        table = Table(title="Timeline", title_justify="left", show_lines=False, pad_edge=False, expand=True)
        table.add_column("#", justify="right")
        table.add_column("step", ratio=2)
        table.add_column("began", justify="right", no_wrap=True)
        table.add_column("took", justify="right", no_wrap=True)
        table.add_column("what the world showed", ratio=4)
        for t in self.told:
            row = (str(t.number), t.title, f"{t.at:.1f} s", f"{t.seconds:.1f} s", t.proof)
            table.add_row(*(escape(cell) for cell in row))
        self.console.print()
        self.console.print(table)

    def failed(self, number: int, title: str, why: NotSo) -> None:
        self.console.print(f"[red]✗[/] [bold]{number:2}. {escape(title)}[/]")
        lines = (("expected", why.expected), ("saw", why.seen), ("read", why.read))
        text = "\n".join(f"[bold]{word:9}[/]{escape(value)}" for word, value in lines)
        self.console.print(Panel(text, title=f"step {number} did not come true", border_style="red"))

    def say(self, text: str) -> None:
        self.console.print(escape(text))
