"""The workspace accounts' blobs, as far as the control plane touches them: account SAS tokens signed by hand,
upload containers, and whether a log is there yet.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import ssl
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import httpx

from local.azureml.refusals import Refusal

if TYPE_CHECKING:
    from local.config import LocalConfig

VERSION = "2021-08-06"
LIFETIME = datetime.timedelta(hours=1)


def account_sas(config: LocalConfig, account: str, permissions: str = "racwdl") -> str:
    """Blobs of the whole account, for an hour."""
    expiry = (datetime.datetime.now(datetime.UTC) + LIFETIME).strftime("%Y-%m-%dT%H:%M:%SZ")
    fields = [account, permissions, "b", "sco", "", expiry, "", "https,http", VERSION, "", ""]
    key = base64.b64decode(config.accounts[account])
    signature = hmac.new(key, "\n".join(fields).encode(), hashlib.sha256).digest()
    return urlencode(
        {
            "sv": VERSION,
            "ss": "b",
            "srt": "sco",
            "sp": permissions,
            "se": expiry,
            "spr": "https,http",
            "sig": base64.b64encode(signature).decode(),
        }
    )


class Blobs:
    """Straight to Azurite, with the account's key."""

    def __init__(self, config: LocalConfig) -> None:
        self.config = config
        trusted = ssl.create_default_context(cafile=str(config.ca_cert))
        self._http = httpx.AsyncClient(verify=trusted, trust_env=False, timeout=30.0)

    async def close(self) -> None:
        await self._http.aclose()

    def _here(self, account: str, path: str) -> str:
        return f"https://127.0.0.1:{self.config.port('blob')}/{account}/{quote(path)}"

    async def provide_container(self, account: str, container: str) -> str:
        """Make it if need be; its address as clients know it."""
        query = f"restype=container&{account_sas(self.config, account)}"
        answer = await self._http.put(f"{self._here(account, container)}?{query}")
        if answer.status_code not in (201, 409):
            message = f"Storage answered {answer.status_code}: {answer.text[:200]}"
            raise Refusal(503, "ServiceUnavailable", message)
        return f"{self.config.storage_url(account, 'blob')}/{container}"

    async def readable(self, account: str, path: str) -> str | None:
        """An address of a blob that whoever has it may read for an hour; None if there is no such blob."""
        sas = account_sas(self.config, account, "r")
        answer = await self._http.head(f"{self._here(account, path)}?{sas}")
        if answer.status_code != 200:
            return None
        return f"{self.config.storage_url(account, 'blob')}/{quote(path)}?{sas}"
