"""The adapters cost nothing until they are used."""

from __future__ import annotations

import subprocess
import sys

ADAPTERS = (
    "azure",
    "azureml",
    "blobs",
    "digest",
    "entities",
    "failures",
    "ports",
    "runs",
    "scoring",
    "workspace",
)
HEAVY = ("azure.ai.ml", "azure.core", "azure.identity", "azure.storage.blob", "mlflow", "requests", "pandas")


def test_importing_the_adapters_imports_no_sdk() -> None:
    program = (
        f"import sys, {', '.join(f'shared.{name}' for name in ADAPTERS)}\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )

    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert told.strip() == "[]"
