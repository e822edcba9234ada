"""`python -m local.functions [--root DIR] [--port N] [--state DIR]`; in the local cloud it needs no options.

Exit codes: 0 stopped, 3 the app or host.json cannot be loaded (the log says why).
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from local import lifeline
from local.config import CONFIG_ENV, LocalConfig
from local.functions.app import AppLoadError
from local.functions.cron import CronError
from local.functions.host import Ending, Options, start
from local.functions.hostjson import HostJsonError
from local.functions.http_trigger import ANSWER_SECONDS
from local.functions.routes import RouteError
from local.functions.settings import SettingMissing
from local.functions.storage_auth import ConnectionSettingError

REPOSITORY = Path(__file__).resolve().parents[2]
CANNOT_LOAD = 3
WRONG = (AppLoadError, CronError, HostJsonError, ConnectionSettingError, RouteError, SettingMissing)
NOISY = ("azure", "urllib3", "uvicorn", "asyncio")  # their lines carry URLs with queries


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m local.functions", description=__doc__)
    parser.add_argument("--root", type=Path, default=REPOSITORY, help="the function app's folder")
    parser.add_argument("--port", type=int)
    parser.add_argument("--state", type=Path, help="where keys and timer status are kept")
    parser.add_argument(
        "--drain", type=float, default=5.0, help="seconds that a stopping host waits for work"
    )
    parser.add_argument(
        "--answer", type=float, default=ANSWER_SECONDS, help="seconds until an HTTP caller is given up"
    )
    given = parser.parse_args()
    if given.port is None or given.state is None:
        if CONFIG_ENV not in os.environ:
            parser.error(f"without {CONFIG_ENV} both --port and --state are needed")
        config = LocalConfig.load()
        given.port = given.port or config.port("functions")
        given.state = given.state or config.home / "functions"
    return Options(given.root.resolve(), given.port, given.state, given.drain, given.answer)


def main() -> int:
    logging.basicConfig(stream=sys.stdout, format="%(levelname).1s %(name)s: %(message)s", level=logging.INFO)
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    lifeline.watch()
    options = _options()
    os.chdir(options.root)
    try:
        ending = start(options)
    except WRONG as error:
        logging.getLogger("host").critical("%s", error, exc_info=error.__cause__)
        return CANNOT_LOAD
    sys.stdout.flush()
    if ending is Ending.STUCK:
        os._exit(0)
    if ending is Ending.OVERRUN:  # a thread cannot be stopped: the whole worker is, as in Azure
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606
    return 0


if __name__ == "__main__":
    sys.exit(main())
