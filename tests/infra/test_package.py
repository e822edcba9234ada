"""The deployment package: what is in it, what stays out, and what is said when it cannot be built.

That the app runs from it, with nothing else on the path: all of tests/cloud, and tests/local/test_package.py.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
import yaml

from infra import package

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What the package is made of, to be changed."""
    for path in [*package.contents(ROOT), package.IGNORE]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    return tmp_path


def test_the_package_has_what_the_app_reads_and_nothing_of_the_laptop(tmp_path: Path) -> None:
    zipped = tmp_path / "greenlight.zip"
    package.build(ROOT, zipped)

    with zipfile.ZipFile(zipped) as found:
        names = set(found.namelist())
    read = re.findall(r"(?:request|file): ([\w./-]+)", (ROOT / "greenlight.yaml").read_text())
    build = {"requirements.txt", "requirements.in", "constraints.txt"}
    assert {"function_app.py", "host.json", "greenlight.yaml", *build, *read} <= names
    assert {name.partition("/")[0] for name in names if "/" in name} == {"orchestrator", "shared", "ml"}
    assert [name for name in names if name.startswith("ml/") and name not in read] == []
    assert [name for name in names if "__pycache__" in name or name.endswith((".pem", ".local"))] == []


def test_every_source_file_is_in_it() -> None:
    sources = {
        p.relative_to(ROOT).as_posix() for d in ("orchestrator", "shared") for p in ROOT.glob(f"{d}/**/*")
    }
    files = {path for path in sources if (ROOT / path).is_file() and "__pycache__" not in path}

    assert files - set(package.contents(ROOT)) == set()


def test_the_same_tree_makes_the_same_bytes(tree: Path, tmp_path: Path) -> None:
    one, other = tmp_path.parent / "one.zip", tmp_path.parent / "other.zip"
    package.build(ROOT, one)
    package.build(tree, other)

    assert one.read_bytes() == other.read_bytes()


def test_ignoring_is_git_s() -> None:
    """azd reads the file as git would; so do we, checked against git where there is one."""
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("no git, or no clone")
    git = ["git", "-c", "core.quotepath=off", "ls-files"]
    everything, ignored = (
        set(subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines())
        for words in (git, [*git, "-ci", f"--exclude-from={package.IGNORE}"])
    )
    deleted = {path for path in everything if not (ROOT / path).exists()}

    assert everything - ignored - deleted == set(package.contents(ROOT)) & everything


@pytest.mark.parametrize(
    ("line", "path", "ignored"),
    [
        ("/*.pem", "a.pem", True),
        ("/*.pem", "orchestrator/a.pem", False),
        ("*.pem", "orchestrator/a.pem", True),
        ("web/", "orchestrator/web/app.py", True),
        ("orchestrator/**/app.py", "orchestrator/web/app.py", True),
        ("# shared/", "shared/a.py", False),
        ("shared/", "shared/a.py", True),
        ("a.p", "shared/a.py", False),
    ],
)
def test_the_syntax(tmp_path: Path, line: str, path: str, *, ignored: bool) -> None:
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).touch()
    (tmp_path / package.IGNORE).write_text(f"{package.IGNORE}\n{line}\n")

    assert package.contents(tmp_path) == ([] if ignored else [path])


def test_a_tree_without_an_app_is_refused_by_name(tree: Path, tmp_path: Path) -> None:
    (tree / "host.json").unlink()

    with pytest.raises(package.PackageError, match=r"host\.json: not in .*, or \.funcignore keeps it out"):
        package.build(tree, tmp_path / "greenlight.zip")


def test_azd_sends_the_same() -> None:
    (service,) = yaml.safe_load((ROOT / "azure.yaml").read_text())["services"].values()

    assert service["project"] == "."  # the folder whose .funcignore azd reads
    assert (ROOT / package.IGNORE).exists()


def test_documented_commands_build_this_package() -> None:
    places = [ROOT / "docs" / "deploy.md", *(ROOT / "infra" / "pipelines").glob("*.yml")]
    builders = [p.name for p in places if re.search(r"python3? -m infra\.package ", p.read_text())]

    assert set(builders) == {"deploy.md", "github-actions.yml", "azure-pipelines.yml"}
