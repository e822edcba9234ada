"""Imports the SDK aside: its schemas use what their library deprecates, and warnings are errors here."""

from __future__ import annotations

import warnings


def load() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import azure.ai.ml.entities  # noqa: F401
