"""`python -m local.azureml.zygote`: import everything heavy, then fork on request."""

from __future__ import annotations

import sys
import time

from local import lifeline
from local.azureml.zygote import child
from local.azureml.zygote.protocol import socket_path
from local.azureml.zygote.server import Server
from local.config import LocalConfig

FORK = sys.platform == "linux"  # elsewhere native libraries may have threads that a fork would cut off


def main() -> None:
    config = LocalConfig.load()
    if FORK:
        from local.azureml.zygote.preload import preload

        began = time.monotonic()
        preload()
        print(f"preloaded {len(sys.modules)} modules in {time.monotonic() - began:.1f} s", flush=True)
    errand = Server(socket_path(config), next(iter(lifeline.fds()), None)).serve()
    if errand is None:
        return
    if not FORK:
        child.replace_process(errand)
    child.run_and_exit(errand)


if __name__ == "__main__":
    main()
