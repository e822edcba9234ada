"""The emulated control plane starts in a second: what is heavy belongs to the zygote."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("mlflow", "pandas", "numpy", "sklearn", "sqlalchemy", "azure.ai.ml")


def test_the_control_plane_imports_nothing_heavy() -> None:
    script = f"import sys, local.azureml.platform; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
