"""The checks themselves: a planted fault is found, in words that say what and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.infra.check import findings

ACCOUNT = """\
resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: 'gl'
  location: 'westeurope'
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: { allowSharedKeyAccess: false }
}
"""
MODULE = """\
param name string
@allowed(['small', 'large'])
param size string = 'small'
output name string = '${name}-${size}'
"""
SUBSCRIPTION = "targetScope = 'subscription'\nparam id string\noutput same string = id\n"


def found(folder: Path, text: str, suffix: str = ".bicep") -> list[str]:
    (folder / "part.bicep").write_text(MODULE)
    (folder / "sub.bicep").write_text(SUBSCRIPTION)
    path = folder / f"main{suffix}"
    path.write_text(text)
    return [str(f) for f in findings([path])]


def test_what_is_right_passes(tmp_path: Path) -> None:
    text = "module part 'part.bicep' = {\n  name: 'p'\n  params: { name: 'x', size: 'large' }\n}\n"
    text += "output name string = part.outputs.name\n"

    assert found(tmp_path, ACCOUNT + text) == []


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("location: 'westeurope'", "", "2025-06-01 needs location"),
        ("name: 'Standard_LRS'", "tier: 'Standard'", "needs name"),
        ("kind: 'StorageV2'", "kind: 'StorageV9'", "kind may not be 'StorageV9'"),
        ("'StorageV2'", "true", "kind is string, and gets bool"),
        ("sku: { name: 'Standard_LRS' }", "sku: 'Standard_LRS'", "sku is object, and gets string"),
        ("allowSharedKeyAccess: false", "allowSharedKeyAccess: 'no'", "is bool, and gets string"),
        ("allowSharedKeyAccess", "allowSharedKeys", "has no property allowSharedKeys"),
        ("allowSharedKeyAccess: false", "provisioningState: 'Succeeded'", "is read-only"),
        ("allowSharedKeyAccess: false", "minimumTlsVersion: true ? 'TLS1_2' : 'TLS9'", "may not be 'TLS9'"),
        ("name: 'gl'", "name: 'gl/blob'", "needs 1 parts, not 2"),
        ("name: 'gl'", "id: 'gl'", "account has no name"),
        ("'gl'", "nowhere", "nowhere is not defined"),
        ("2025-06-01", "2019-01-01", "not among the published types"),
        ("Microsoft.Storage/storage", "microsoft.storage/storage", "is written Microsoft.Storage"),
        ("resource account", "targetScope = 'subscription'\nresource account", "cannot be deployed to a sub"),
        ("kind: 'StorageV2'", "kind: 'StorageV2", "this is no Bicep"),
    ],
)
def test_a_wrong_resource_is_found(tmp_path: Path, right: str, wrong: str, says: str) -> None:
    lines = found(tmp_path, ACCOUNT.replace(right, wrong))

    assert [line for line in lines if says in line and line.startswith("main.bicep:")], lines


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("param unused string\n", "main.bicep:1: param unused is never used"),
        ("var unused = 1\n", "var unused is never used"),
        ("output x string = nothing\n", "nothing is not defined"),
        ("output x string = madeUp('a')\n", "madeUp() is no function"),
        ("output x int = 'text'\n", "output x is int, and gets string"),
        ("var a = { b: 1 }\noutput x int = a.c\n", "nothing is called c"),
        ("var a = [{ b: 'x' }]\noutput x array = [for e in a: e.c]\n", "nothing is called c"),
        ("output x string = account.properties.primaryEndpoint.blob\n", "has no properties.primaryEndpoint"),
        ("output x string = resourceGroup().place\n", "has no place"),
        ("output x string = environment().suffixes.blobs\n", "has no blobs"),
        ("var role = loadJsonContent('none.json')\noutput x string = role.a\n", "none.json is not there"),
        ("param account string\n", "account is declared twice"),
        (
            "resource a 'Microsoft.Storage/storageAccounts@2025-06-01' existing = { name: 'x' }\n",
            "never used",
        ),
    ],
)
def test_a_wrong_name_is_found(tmp_path: Path, text: str, says: str) -> None:
    lines = found(tmp_path, text + ACCOUNT if "param unused" in text else ACCOUNT + text)

    assert [line for line in lines if says in line], lines


@pytest.mark.parametrize(
    ("module", "says"),
    [
        ("module m 'part.bicep' = { name: 'm' }", "part.bicep needs the parameter name"),
        ("module m 'part.bicep' = { name: 'm', params: { name: 'x', colour: 'y' } }", "no parameter colour"),
        ("module m 'part.bicep' = { name: 'm', params: { name: 7 } }", "is string, and gets int"),
        ("module m 'part.bicep' = { name: 'm', params: { name: 'x', size: 'huge' } }", "may not be 'huge'"),
        ("module m 'part.bicep' = { name: 'm', parms: { name: 'x' } }", "a module takes no parms"),
        ("module m 'gone.bicep' = { name: 'm' }", "gone.bicep is not there"),
        ("module m 'sub.bicep' = { name: 'm', params: { id: 'x' } }", "made for a subscription"),
    ],
)
def test_a_wrong_module_is_found(tmp_path: Path, module: str, says: str) -> None:
    assert [
        line
        for line in found(tmp_path, module.replace(", ", "\n").replace("{ ", "{\n").replace(" }", "\n}"))
        if says in line
    ]


def test_an_output_that_a_module_does_not_have_is_found(tmp_path: Path) -> None:
    module = "module m 'part.bicep' = {\n  name: 'm'\n  params: { name: 'x' }\n}\n"

    (only,) = found(tmp_path, f"{module}output x string = m.outputs.nme\n")
    (kind,) = found(tmp_path, f"{module}output x int = m.outputs.name\n")
    (direct,) = found(tmp_path, f"{module}output x string = m.nme\n")

    assert only == "main.bicep:5: part.bicep has no output nme"
    assert kind == "main.bicep:5: output x is int, and gets string"
    assert direct == "main.bicep:5: a module has no nme, only outputs"


def test_a_parent_of_another_type_is_found(tmp_path: Path) -> None:
    text = "resource q 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' = {\n"

    (only,) = found(tmp_path, f"{ACCOUNT}{text}  parent: account\n  name: 'wakes'\n}}\n")

    assert "the parent of q is of another type" in only


def test_one_of_several_shapes_is_checked_as_that_one(tmp_path: Path) -> None:
    def site(name: str, body: str) -> list[str]:
        head = f"resource c 'Microsoft.Web/sites/config@2025-03-01' = {{\n  name: 'app/{name}'\n"
        return found(tmp_path, f"{head}  properties: {{ {body} }}\n}}\n")

    assert "name must be one of" in site("authsettingsV9", "")[0]
    (mixed,) = site("authsettingsV2", "alwaysOn: true")

    assert "has no property alwaysOn" in mixed


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("using 'gone.bicep'\n", "uses gone.bicep, which is not there"),
        ("using 'part.bicep'\n", "part.bicep needs the parameter name"),
        ("using 'part.bicep'\n\nparam name = 'x'\nparam nme = 'x'\n", "no parameter nme"),
        ("using 'part.bicep'\n\nparam name = 5\n", "is string, and gets int"),
        ("using 'part.bicep'\n\nparam name = 'x'\nparam size = 'huge'\n", "may not be 'huge'"),
    ],
)
def test_a_wrong_parameter_file_is_found(tmp_path: Path, text: str, says: str) -> None:
    (only,) = found(tmp_path, text, ".bicepparam")

    assert says in only
