"""Asking how an operation ended: the token goes to the ARM host and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from shared.azure import AzureCloud
from shared.azureml import operation_error
from shared.errors import Invalid


class NoToken:
    """A credential that must not be asked."""

    def get_token(self, *_scopes: str, **_options: Any) -> Any:
        raise AssertionError("the token would have left")


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/operations/1",
        "http://management.azure.com/operations/1",
        "https://management.azure.com.evil.example/operations/1",
        "https://management.azure.com@evil.example/operations/1",
        "",
    ],
)
def test_an_operation_elsewhere_is_not_asked(address: str) -> None:
    with pytest.raises(Invalid, match=r"not an operation of management\.azure\.com"):
        operation_error(address, AzureCloud(), NoToken(), 1.0)
