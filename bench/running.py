"""A local cloud of its own for a part that needs one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.cloud import Cloud
from local.config import LocalConfig
from tests.cloud.inside import Inside, inside
from tests.cloud.ready_models import ReadyModels
from tests.running import free_port_base


@dataclass
class Running:
    cloud: Cloud
    inside: Inside
    models: ReadyModels


@contextmanager
def running(
    *, pace: float = 10.0, settings: dict[str, str] | None = None, only: tuple[str, ...] | None = None
) -> Iterator[Running]:
    """`settings` are app settings on top of those of `make up`; `only`: services to start (None: all)."""
    home = Path(tempfile.mkdtemp(prefix="gl-"))
    config = LocalConfig(home=home, port_base=free_port_base(), pace=pace)
    try:
        with Cloud(config, settings=settings or {}, only=only) as cloud, inside(config) as product:
            yield Running(cloud, product, ReadyModels(product))
    finally:
        shutil.rmtree(home, ignore_errors=True)
