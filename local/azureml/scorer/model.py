"""Azure ML's scoring protocol for MLflow models, on MLflow's own parsing.

`{"input_data": …}` in, a JSON list out. `input_data` is a table (`columns`, `index`, `data`), a list of
records, a list (a tensor) or an object of lists (named tensors); the model's signature casts the values.
"""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlflow import pyfunc
from mlflow.exceptions import MlflowException
from mlflow.pyfunc.scoring_server import infer_and_parse_data
from mlflow.utils.proto_json_utils import NumpyEncoder, _get_jsonable_obj

if TYPE_CHECKING:
    from pathlib import Path

TABLE = {"columns", "index", "data"}


class BadInput(ValueError):
    """What was sent is not what this model takes."""


@dataclass(frozen=True)
class ScoringModel:
    model: Any
    schema: Any
    takes_params: bool

    @staticmethod
    def load(folder: Path) -> ScoringModel:
        model = pyfunc.load_model(str(folder))
        takes_params = "params" in inspect.signature(model.predict).parameters
        return ScoringModel(model, model.metadata.get_input_schema(), takes_params)

    def score(self, body: bytes) -> bytes:
        """Raises BadInput for what the caller did wrong; what the model raises passes through."""
        request = _request(body)
        try:
            data = infer_and_parse_data(_mlflow_form(request["input_data"]), self.schema)
            params = request.get("params")
            predictions = (
                self.model.predict(data, params=params) if self.takes_params else self.model.predict(data)
            )
        except MlflowException as error:
            raise BadInput(error.message) from error
        answer = _get_jsonable_obj(predictions, pandas_orient="records")
        return json.dumps(answer, cls=NumpyEncoder).encode()


def _request(body: bytes) -> dict[str, Any]:
    try:
        request = json.loads(body)
    except ValueError as error:
        raise BadInput(f"the body is not JSON: {error}") from error
    if not isinstance(request, dict) or "input_data" not in request:
        raise BadInput('the body must be an object with the key "input_data"')
    return request


def _mlflow_form(given: Any) -> dict[str, Any]:
    """The same data under the name that MLflow's scoring server has for it."""
    match given:
        case {"data": _} if given.keys() <= TABLE:
            return {"dataframe_split": given}
        case dict():
            return {"inputs": given}
        case [dict(), *_]:
            return {"dataframe_records": given}
        case list():
            return {"inputs": given}
        case _:
            raise BadInput(f'"input_data" must be a list or an object, not {type(given).__name__}')
