"""The product put together once more in this process: it looks at tables and workspaces as the app does."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local import appsettings
from orchestrator.app import App, Ports, azure_ports, build, read_policy
from shared.settings import read
from tests.contract import sdk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.config import LocalConfig
    from shared.ports import WorkspacePort


@dataclass(frozen=True)
class Inside:
    """Ports by the app's own identity, and the product over them. Nothing of it runs by itself."""

    config: LocalConfig
    app: App
    ports: Ports

    def workspace(self, env: str) -> WorkspacePort:
        at = self.app.policy.environments.index(env)
        return self.app.engine.outside.workspace(self.app.policy.file.environments[at].workspace)


@contextmanager
def inside(config: LocalConfig) -> Iterator[Inside]:
    """While it lasts, this process has the environment of the local cloud's functions host."""
    sdk.load()
    before = dict(os.environ)
    os.environ.update(config.client_env() | appsettings.settings(config))
    try:
        settings = read(os.environ)
        text = (appsettings.ROOT / "greenlight.yaml").read_text()
        ports = azure_ports(settings)
        yield Inside(config, build(settings, read_policy(text, os.environ), ports), ports)
    finally:
        os.environ.clear()
        os.environ.update(before)
