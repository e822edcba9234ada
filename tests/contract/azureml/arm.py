"""A plain HTTP client of the emulator, past SDK and proxy."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from local.config import LocalConfig, Workspace

VERSION = "2023-04-01-preview"


class Arm(httpx.Client):
    """Knows where the emulator is and who asks."""

    def __init__(self, config: LocalConfig, token: str) -> None:
        super().__init__(
            base_url=f"https://127.0.0.1:{config.port('arm')}",
            verify=ssl.create_default_context(cafile=str(config.ca_cert)),
            trust_env=False,
            headers={"Authorization": f"Bearer {token}"},
            params={"api-version": VERSION},
        )

    def ask(self, method: str, workspace: Workspace, path: str, body: Any = None) -> httpx.Response:
        """`path` is what follows the workspace's id."""
        return self.request(method, workspace.id + path, json=body)
