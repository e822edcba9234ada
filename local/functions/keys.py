"""Access keys of the function app: made once, kept in one file, read by whoever plays the platform.

master opens everything; a system key opens one extension's webhook; the default key opens every function of
level `function`.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

EVENT_GRID = "eventgrid_extension"


@dataclass(frozen=True)
class Keys:
    master: str
    function_keys: dict[str, str] = field(default_factory=dict)
    system_keys: dict[str, str] = field(default_factory=dict)

    def is_master(self, given: str | None) -> bool:
        return bool(given) and hmac.compare_digest(str(given), self.master)

    def opens_function(self, given: str | None) -> bool:
        return self.is_master(given) or _among(given, self.function_keys)

    def opens_extension(self, given: str | None, name: str) -> bool:
        own = {name: self.system_keys[name]} if name in self.system_keys else {}
        return self.is_master(given) or _among(given, own)


def _among(given: str | None, keys: dict[str, str]) -> bool:
    return bool(given) and any(hmac.compare_digest(str(given), key) for key in keys.values())


def load_or_create(path: Path) -> Keys:
    """Read the file, or make it; several processes may come at the same time, one of them wins."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = Keys(
            master=secrets.token_urlsafe(40),
            function_keys={"default": secrets.token_urlsafe(40)},
            system_keys={EVENT_GRID: secrets.token_urlsafe(40)},
        )
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(made), indent=1))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was faster: its keys count
        finally:
            draft.unlink()
    return Keys(**json.loads(path.read_text()))
