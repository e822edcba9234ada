"""What the story's people do: Ada trains and registers models, Ana opens links and decides.

Ada works through the SDKs with her own token, as from a laptop; Ana has a browser and nothing else.
"""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import httpx

from local import identity
from local.config import PEOPLE, STORAGE_SUFFIX
from local.demo.forms import Form, posting_form
from local.demo.waiting import check
from shared.azure import AzureCloud

if TYPE_CHECKING:
    from collections.abc import Iterator

    from azure.ai.ml import MLClient
    from azure.core.credentials import AccessToken

    from local.config import LocalConfig
    from ml.quick import Quick

AUTHOR, APPROVER = "author", "ana"
TIMEOUT = 30.0
log = logging.getLogger("demo")


def name_of(key: str) -> str:
    return next(p.name for p in PEOPLE if p.key == key)


def author_env(config: LocalConfig) -> dict[str, str]:
    """The environment of Ada's own programs: the way to the cloud, and the token that MLflow sends."""
    token = identity.issue_token(config, AUTHOR, config.arm_url)
    return {**config.client_env(), "MLFLOW_TRACKING_TOKEN": token}


class Signed:
    """An azure-identity style credential of one of the local people."""

    def __init__(self, config: LocalConfig, person: str) -> None:
        self._config = config
        self._person = person

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        from azure.core.credentials import AccessToken

        audience = scopes[0].removesuffix("/.default").rstrip("/")
        token = identity.issue_token(self._config, self._person, audience)
        return AccessToken(token, int(time.time() + identity.HOURS_8 / 2))


def connect(config: LocalConfig, env: str, person: str = AUTHOR) -> MLClient:
    """The real client for one workspace. The process must already have the cloud's environment."""
    from azure.ai.ml import MLClient

    _to_our_log("azure.ai.ml")
    cloud = AzureCloud(arm=config.arm_url, storage_suffix=STORAGE_SUFFIX)
    workspace = next(w for w in config.workspaces if w.env == env)
    return MLClient(
        Signed(config, person),
        workspace.subscription,
        workspace.resource_group,
        workspace.name,
        cloud=cloud.name,
        cloud_metadata=cloud.sdk_metadata(),
        enable_telemetry=False,
        show_progress=False,
    )


def _to_our_log(library: str) -> None:
    """It brings a handler of its own, which writes between the lines of the story."""
    logger = logging.getLogger(library)
    logger.handlers.clear()
    logger.propagate = True


class Author:
    """Ada."""

    def __init__(self, config: LocalConfig, model: str) -> None:
        self._config = config
        self._model = model

    def submit(self, ml_client: MLClient, variant: str) -> str:
        """Start the training pipeline; the job's name."""
        from ml import submit
        from ml.variants import VARIANTS

        with _silenced():
            return submit.submit(ml_client, VARIANTS[variant], model_name=self._model, author=name_of(AUTHOR))

    def register(self, variant: str) -> Quick:
        """Train and register without a job, as from a notebook."""
        from ml import quick

        uri = f"{self._config.arm_url}/mlflow/v1.0{self._config.workspaces[0].id}"
        with _silenced():
            return quick.log_and_register(uri, self._model, variant, author=name_of(AUTHOR))


class Visitor:
    """Somebody with a browser: cookies, redirects, forms, and no other knowledge of the product."""

    def __init__(self, config: LocalConfig, person: str = APPROVER) -> None:
        self.person = person
        self._log = config.home / "logs" / "gateway.log"
        self._http = httpx.Client(
            trust_env=False, follow_redirects=True, timeout=TIMEOUT, headers={"Accept": "text/html"}
        )

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def sign_in(self, link: str) -> httpx.Response:
        """Follow the link, to the sign-in page and through it; the page that the link was for."""
        asked = self._http.get(link)
        form = self._form(asked, "the sign-in page")
        return self._send(asked, form, form.filled("person", self.person))

    def decide(self, page: httpx.Response, decision: str, comment: str) -> httpx.Response:
        """Press the button on the review page."""
        form = self._form(page, "the review page's form")
        return self._send(page, form, form.filled("decision", decision, comment=comment))

    def _send(self, page: httpx.Response, form: Form, fields: dict[str, str]) -> httpx.Response:
        origin = str(page.url.copy_with(raw_path=b"/")).rstrip("/")
        answer = self._http.post(urljoin(str(page.url), form.action), data=fields, headers={"Origin": origin})
        seen = f"{answer.status_code}: {answer.text[:300]}"
        check("a page", seen, self._log, holds=answer.status_code == httpx.codes.OK)
        return answer

    def _form(self, page: httpx.Response, what: str) -> Form:
        form = posting_form(page.text)
        seen = f"{page.status_code} {page.url.path} without one"
        check(what, seen, self._log, holds=page.status_code == httpx.codes.OK and form is not None)
        assert form is not None  # noqa: S101 - checked above; for the type checker
        return form


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """What the libraries print goes to the demo's log."""
    with (
        contextlib.redirect_stdout(_ToLog()),  # pyright: ignore[reportArgumentType]
        contextlib.redirect_stderr(_ToLog()),  # pyright: ignore[reportArgumentType]
    ):
        yield


class _ToLog:
    def write(self, text: str) -> int:
        if text.strip():
            log.info("%s", text.rstrip())
        return len(text)

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return False
