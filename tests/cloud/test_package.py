"""The whole story on the deployment package, with nothing else on the path of the host that serves it."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from local import package
from local.appsettings import ROOT
from tests.cloud.story import Story

if TYPE_CHECKING:
    from local.cloud import Cloud
    from tests.cloud.inside import Inside
    from tests.cloud.ready_models import ReadyModels


def test_the_promotion_story_runs_on_the_package(
    cloud: Cloud, inside: Inside, ready_models: ReadyModels
) -> None:
    root = package.unpacked(cloud.config)

    Story(inside, ready_models, "titanic-packaged").play()

    assert f"functions of {root.resolve()}:" in cloud.log("functions")
    assert cloud.config.package
    with zipfile.ZipFile(cloud.config.package) as sent:
        assert {name for name in sent.namelist() if not (root / name).is_file()} == set()
    path = [Path(folder) for folder in package.path(cloud.config).split(":")]
    assert [f for f in path if f.resolve() == ROOT or f.resolve().is_relative_to(ROOT)] == []
    assert [
        f.name for f in path[-1].iterdir() if f.name in {"orchestrator", "shared", "function_app.py"}
    ] == []
