"""What the story is told with: forms, deadlines, the load generator, and where it may begin."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local.appsettings import ROOT
from local.cloud import CloudError
from local.config import LocalConfig
from local.demo.forms import posting_form
from local.demo.load import KEY, Counts
from local.demo.place import choose
from local.demo.waiting import NotSo, wait

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = """
<form action="/search"><input name="q"></form>
<form method="POST" action="/decide">
  <input type="hidden" name="form" value="a&amp;b"><textarea name="comment"></textarea>
  <button name="decision" value="approve">Yes</button><button name="decision" value="reject">No</button>
</form>
<form method="post" action="/other"><button name="x" value="y">x</button></form>
"""


def test_a_form_is_filled_as_a_browser_does() -> None:
    form = posting_form(PAGE)

    assert form
    assert form.action == "/decide"
    assert form.filled("decision", "reject", comment="no") == {
        "form": "a&b",
        "comment": "no",
        "decision": "reject",
    }


@pytest.mark.parametrize(
    ("button", "answers", "said"),
    [("perhaps", {}, "no button decision=perhaps"), ("approve", {"reason": "x"}, "no field reason")],
)
def test_what_is_not_on_the_page_cannot_be_sent(button: str, answers: dict[str, str], said: str) -> None:
    form = posting_form(PAGE)

    assert form
    with pytest.raises(LookupError, match=said):
        form.filled("decision", button, **answers)


def test_a_page_without_a_form_has_none() -> None:
    assert posting_form("<p>This link has expired</p><form><input name='q'></form>") is None


def test_a_deadline_says_what_was_expected_what_was_seen_and_where_to_read() -> None:
    with pytest.raises(NotSo) as caught:
        wait(lambda: 3, lambda n: n > 4, within=0.0, expected="more than four", read="some.log")

    assert (caught.value.expected, caught.value.seen, caught.value.read) == (
        "more than four within 0 s",
        "3",
        "some.log",
    )


# ---- where it may begin


def test_a_folder_that_is_no_cloud_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")

    with pytest.raises(CloudError, match="not the home of a local cloud"):
        choose(tmp_path, None, keep=False)

    assert (tmp_path / "thesis.txt").exists()


def test_nothing_is_left_of_an_older_story(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    LocalConfig(home=home, port_base=30000).save()
    (home / "teams.jsonl").write_text("{}")

    place = choose(home, None, keep=False)

    assert not (home / "teams.jsonl").exists()
    assert not place.runs
    assert place.config.port_base != LocalConfig(home=home).port_base


def test_a_story_that_could_not_begin_is_no_obstacle(tmp_path: Path) -> None:
    (choose(tmp_path, None, keep=False).config.home / "logs").mkdir()

    assert choose(tmp_path, None, keep=False).config.home == tmp_path


# ---- the load generator


class Scorer(BaseHTTPRequestHandler):
    """Answers every fourth request wrongly, in turn: an error, no predictions, a broken connection."""

    protocol_version = "HTTP/1.1"
    served = 0
    lock = threading.Lock()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        with Scorer.lock:
            Scorer.served += 1
            turn = Scorer.served
        if turn % 12 == 0:
            self.close_connection = True
            return
        status, body = {4: (500, b"[[1]]"), 8: (200, b"{}")}.get(turn % 12, (200, b"[[0.1, 0.9]]"))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("azureml-model-deployment", "v1-1")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def scoring() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Scorer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/titanic-qa/score"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_the_load_generator_counts_every_failure(tmp_path: Path) -> None:
    body = tmp_path / "request.json"
    body.write_text("{}")
    with scoring() as url:
        command = [sys.executable, "-m", "local.demo.load", url, str(body)]
        with subprocess.Popen(
            command, cwd=ROOT, env={KEY: "k"}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as running:
            assert running.stdin
            assert running.stdout
            for line in running.stdout:
                if Counts(**json.loads(line)).sent >= 36:
                    break
            running.stdin.close()
            rest = running.stdout.read().splitlines()
        counts = Counts(**json.loads(rest[-1]))

    assert running.returncode == 0
    assert counts.sent == Scorer.served
    assert counts.failed == Scorer.served // 4
    assert counts.by_deployment["none"] == Scorer.served // 12
    assert any("500" in failure for failure in counts.failures)
