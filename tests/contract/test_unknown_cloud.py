"""A shell that names a cloud nobody knows: the SDK refuses to be imported, and people are told why."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SETTING = "AZUREML_CURRENT_CLOUD"
PROGRAM = """
from shared.arm_id import WorkspaceId
from shared.azure import AzureCloud, credential
from shared.errors import Invalid
from shared.workspace import Workspace
cloud = AzureCloud()
group = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg/providers"
at = WorkspaceId.parse(f"{group}/Microsoft.MachineLearningServices/workspaces/mlw")
workspace = Workspace(at, cloud, credential(cloud))
try:
    CALL
except Invalid as error:
    print(error)
"""
CALLS = [
    'workspace.model("titanic", "1")',
    'workspace.register("titanic", "1", uri="azureml:x", type="mlflow_model", tags={}, properties={})',
    'workspace.create_endpoint("titanic-qa", tags={})',
    'workspace.create_deployment("titanic-qa", "titanic-1", model=("titanic", "1"), instance_type="x", '
    "instance_count=1, tags={})",
]


@pytest.mark.parametrize("call", CALLS, ids=lambda c: c.partition("(")[0])
def test_an_unknown_cloud_in_the_environment_is_named_with_what_to_do(call: str) -> None:
    nowhere = "http://127.0.0.1:9"  # the SDK would ask the public cloud which clouds there are
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("CALL", call)],
        env={**os.environ, SETTING: "Nowhere", "ARM_CLOUD_METADATA_URL": nowhere},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert "Traceback" not in done.stderr
    assert 'Unknown cloud environment "Nowhere"' in done.stdout
    assert f"Unset {SETTING}" in done.stdout
