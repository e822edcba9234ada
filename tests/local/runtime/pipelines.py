"""Components and pipelines as the SDK submits them, small enough to read, and the shelf they are on."""

from __future__ import annotations

from typing import Any

from tests.local.runtime.conftest import ACCOUNT, CONTAINER

CODE = {
    "prep.py": "import sys, pathlib\n"
    "text = pathlib.Path(sys.argv[1]).read_text()\n"
    "pathlib.Path(sys.argv[2], 'rows.txt').write_text(text * int(sys.argv[3]))\n",
    "steps/train.py": "import argparse, pathlib, mlflow\n"
    "p = argparse.ArgumentParser()\n"
    "[p.add_argument(n) for n in ('--rows', '--model', '--note', '--extra')]\n"
    "a = p.parse_args()\n"
    "if a.note == 'bad': raise ValueError('nothing learned')\n"
    "mlflow.log_metric('rows', len((pathlib.Path(a.rows) / 'rows.txt').read_text().split()))\n"
    "pathlib.Path(a.model, 'model.txt').write_text(f'{a.note} {a.extra}')\n",
}
SPECS: dict[str, dict[str, Any]] = {
    "prep": {
        "command": "python prep.py ${{inputs.data}} ${{outputs.rows}} ${{inputs.times}}",
        "code": "azureml:the-code",
        "inputs": {"data": {"type": "uri_file"}, "times": {"type": "integer", "default": 2}},
        "outputs": {"rows": {"type": "uri_folder"}},
    },
    "train": {
        "command": "python -m steps.train --rows ${{inputs.rows}} --model ${{outputs.model}}"
        ' --note "${{inputs.note}}" $[[--extra ${{inputs.extra}}]]',
        "code": "azureml:the-code",
        "inputs": {
            "rows": {"type": "uri_folder"},
            "note": {"type": "string"},
            "extra": {"type": "string", "optional": True},
        },
        "outputs": {"model": {"type": "mlflow_model"}},
    },
    "count": {
        "command": "wc -w < ${{inputs.rows}}/rows.txt > ${{outputs.words}}",
        "inputs": {"rows": {"type": "uri_folder"}},
        "outputs": {"words": {"type": "uri_file"}},
    },
    "wait": {"command": "sleep 300", "inputs": {}, "outputs": {}},
}


class Shelf:
    """The control plane's answers, by hand: assets under the names that the jobs below use."""

    def component(self, component_id: str) -> dict[str, Any]:
        return {"properties": {"componentSpec": SPECS[component_id]}}

    def code(self, code_id: str) -> tuple[str, str, str]:
        assert code_id == "azureml:the-code"
        return ACCOUNT, CONTAINER, "code/1"

    def datastore(self, env: str, name: str) -> tuple[str, str]:
        assert (env, name) == ("dev", "workspaceblobstore")
        return ACCOUNT, CONTAINER

    def data(self, asset_id: str) -> tuple[str, str, str]:
        assert asset_id.endswith("/data/words/versions/1")
        return ACCOUNT, CONTAINER, "data/words.txt"


def literal(value: str) -> dict[str, str]:
    return {"job_input_type": "literal", "value": value}


def node(component: str, inputs: dict[str, str], outputs: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "type": "command",
        "componentId": component,
        "inputs": {name: literal(value) for name, value in inputs.items()},
        "outputs": {name: {"type": "literal", "value": value} for name, value in (outputs or {}).items()},
    }


def pipeline(note: str = "good", **nodes: dict[str, Any]) -> dict[str, Any]:
    rows = {"rows": "${{parent.jobs.prep.outputs.rows}}"}
    data = "/subscriptions/s/resourceGroups/g/providers/m/workspaces/w/data/words/versions/1"
    return {
        "properties": {
            "jobType": "Pipeline",
            "displayName": "a job",
            "experimentName": "words",
            "tags": {"colour": "red"},
            "inputs": {
                "words": {"jobInputType": "uri_file", "uri": data},
                "note": {"jobInputType": "literal", "value": note},
            },
            "outputs": {"final": {"jobOutputType": "mlflow_model"}, "words": {"jobOutputType": "uri_file"}},
            "jobs": {
                "train": node(
                    "train",
                    {**rows, "note": "${{parent.inputs.note}}"},
                    {"model": "${{parent.outputs.final}}"},
                ),
                "count": node("count", rows, {"words": "${{parent.outputs.words}}"}),
                "prep": node("prep", {"data": "${{parent.inputs.words}}"}),
                **nodes,
            },
        }
    }
