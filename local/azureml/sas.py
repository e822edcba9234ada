"""Account SAS tokens for Azurite, signed by hand: what the platform hands to its clients."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import urlencode

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
