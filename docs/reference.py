"""The parts of the documentation that the code knows best.

python -m docs.reference settings      docs/settings.md, made from the table in shared/settings.py
python -m docs.reference schema        JSON Schema of greenlight.yaml, for editors
python -m docs.reference write         rewrite docs/settings.md, infra/roles, the example
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from orchestrator import policy
from shared import rights
from shared.settings import TABLE, Setting

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "settings.md"
EXAMPLE = ROOT / "local.settings.json.example"
ROLES = ROOT / "infra" / "roles"
PIPELINE = ROOT / "greenlight.yaml"

HEAD = """\
# Settings

<!-- Made by `python -m docs.reference write`. -->

Environment variables, read once when a process starts. All that are missing or wrong are named together, with
how to mend them: in the log, and to people who are signed in by every page and the API as `misconfigured`. A
Teams address or a link key that is wrong stops nothing else: [`/healthz`](operators.md#degraded) says what is
left out. `python -m local env` prints those of the local cloud."""

ABOUT_HOST = "The Functions host and Azure's own libraries read these; the product does not."
HOST = (
    Setting("GREENLIGHT_STORAGE__credential", "`managedidentity`: queue triggers use the app's identity."),
    Setting("AzureWebJobsStorage__…", "The host's own storage, by the same four names as above."),
    Setting("GREENLIGHT_STORAGE__clientId", "Which identity, where the app has a user-assigned one."),
    Setting("AZURE_CLIENT_ID", "The same, for the product's own calls."),
    Setting("APPLICATIONINSIGHTS_CONNECTION_STRING", "Where logs go."),
    Setting("APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "`ClientId=…;Authorization=AAD`: by identity."),
    Setting("OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID", "Sign-in takes that identity instead of a secret."),
    Setting("AzureWebJobsDisableHomepage", "`true`: `/` is the dashboard, not the host's page."),
    Setting("FUNCTIONS_WORKER_RUNTIME", "`python`."),
    Setting("WEBSITE_AUTH_ENABLED", "Set by App Service: without it nobody is believed to be signed in."),
    Setting("IDENTITY_ENDPOINT", "Set by App Service, with `IDENTITY_HEADER`: where tokens come from."),
)

ABOUT_PIPELINE = "`greenlight.yaml` may name any variable as `${NAME}`. The one in this repository names:\n"

ABOUT_CLIENT = "The command line `greenlight` reads these on the machine where it is used."
CLIENT = (
    Setting("GREENLIGHT_BASE_URL", "Address of Greenlight; `--url` goes before it."),
    Setting("GREENLIGHT_TOKEN", "A token to use instead of the developer's sign-in.", "", secret=True),
    Setting(
        "GREENLIGHT_PARAMETERS",
        "Parameter file of the deployment, for commands that `greenlight doctor` prints.",
        "infra/dev-qa.bicepparam",
    ),
    Setting(
        "GREENLIGHT_REGISTRY_ID",
        "ARM id of the model registry that is the source: the parameter files read it.",
        "",
    ),
    Setting("GREENLIGHT_API_SCOPE", "What to ask a token for.", "api://greenlight/.default"),
)
_NAMED = re.compile(r"\$\{(\w+)(?::-)?\}")


def settings_page() -> str:
    """docs/settings.md."""
    parts = [
        HEAD,
        _table(TABLE),
        f"## Of the platform\n\n{ABOUT_HOST}\n\n{_table(HOST, default=False)}",
        f"## Of the pipeline\n\n{ABOUT_PIPELINE}{', '.join(f'`{n}`' for n in pipeline_names())}.",
        f"## Of the command line\n\n{ABOUT_CLIENT}\n\n{_table(CLIENT)}",
    ]
    return "\n\n".join(parts) + "\n"


def _table(settings: Sequence[Setting], *, default: bool = True) -> str:
    header = ["setting", "what it is", *(["default"] if default else [])]
    rows = [
        [f"`{s.name}`", s.about + (" A secret." if s.secret else ""), *([_default(s)] if default else [])]
        for s in settings
    ]
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _default(setting: Setting) -> str:
    if setting.default is None:
        return "must be given"
    return f"`{setting.default}`" if setting.default else "empty"


def example() -> str:
    """local.settings.json.example: every setting, for Core Tools; `python -m local env` prints its own."""
    product = {s.name: s.default if s.default is not None else f"<{s.about}>" for s in TABLE}
    services = ("table", "queue", "blob")
    platform = {
        "GREENLIGHT_STORAGE__credential": "managedidentity",
        **{f"AzureWebJobsStorage__{s}ServiceUri": f"<The host's own {s} endpoint.>" for s in services},
        "AzureWebJobsStorage__credential": "managedidentity",
        "AzureWebJobsDisableHomepage": "true",
        "FUNCTIONS_WORKER_RUNTIME": "python",
    }
    pipeline = dict.fromkeys(pipeline_names(), "<greenlight.yaml names it>")
    return json.dumps({"IsEncrypted": False, "Values": product | platform | pipeline}, indent=2) + "\n"


def pipeline_names() -> list[str]:
    """The variables that greenlight.yaml names."""
    return sorted(set(_NAMED.findall(PIPELINE.read_text(encoding="utf-8"))) - {"NAME"})


def roles() -> dict[str, str]:
    """infra/roles, made from the list in shared/rights.py."""
    about = {
        "source": ("Greenlight, source workspace: reads models and runs; deploys in place.", rights.SOURCE),
        "target": ("Greenlight, later workspace: registers frozen copies and deploys them.", rights.TARGET),
        "registry": (
            "Greenlight, model registry: reads models, and the references that open their files.",
            rights.REGISTRY,
        ),
        "quota": ("Greenlight: reads quota, VM sizes and how operations ended, of a region.", rights.REGION),
    }
    made = {
        name: {"description": text, "actions": actions, "dataActions": []}
        for name, (text, actions) in about.items()
    }
    return {name: json.dumps(each, indent=2) + "\n" for name, each in made.items()}


def schema_text() -> str:
    """JSON Schema of greenlight.yaml."""
    return json.dumps(policy.schema(), indent=2)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m docs.reference", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("what", choices=("settings", "schema", "write"))
    match parser.parse_args(arguments).what:
        case "settings":
            print(settings_page(), end="")
        case "schema":
            print(schema_text())
        case _:
            PAGE.write_text(settings_page(), encoding="utf-8")
            EXAMPLE.write_text(example(), encoding="utf-8")
            for name, text in roles().items():
                (ROLES / f"{name}.json").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
