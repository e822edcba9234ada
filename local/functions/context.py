"""The value of a function's `context` parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import azure.functions as func

if TYPE_CHECKING:
    import threading

    from local.functions.app import LoadedFunction


class Context(func.Context):
    """What the worker gives; nothing is traced here and no retry policy applies, so those two are None."""

    def __init__(self, function: LoadedFunction, invocation_id: str, local: threading.local) -> None:
        self._function = function
        self._invocation_id = invocation_id
        self._local = local

    @property
    def invocation_id(self) -> str:
        return self._invocation_id

    @property
    def function_name(self) -> str:
        return self._function.name

    @property
    def function_directory(self) -> str:
        return self._function.directory

    @property
    def thread_local_storage(self) -> Any:
        return self._local

    @property
    def trace_context(self) -> Any:
        return None

    @property
    def retry_context(self) -> Any:
        return None
