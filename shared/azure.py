"""Which Azure this is: the names that differ between clouds, and the credential that opens them.

Values only; the address book of one cloud is data, so nothing here or in the adapters asks which cloud it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

# azure-ai-ml and the azureml-mlflow plugin share these names through AZUREML_CURRENT_CLOUD, and the
# plugin refuses a name it cannot look up: the public clouds must keep theirs.
_WELL_KNOWN = {
    "management.azure.com": "AzureCloud",
    "management.usgovcloudapi.net": "AzureUSGovernment",
    "management.chinacloudapi.cn": "AzureChinaCloud",
}
_EVENT_GRID = {
    "AzureCloud": "eventgrid.azure.net",
    "AzureUSGovernment": "eventgrid.azure.us",
    "AzureChinaCloud": "eventgrid.azure.cn",
}


@dataclass(frozen=True)
class AzureCloud:
    """Addresses of one cloud. The defaults are Azure's public cloud."""

    arm: str = "https://management.azure.com"
    authority: str = "https://login.microsoftonline.com"
    storage_suffix: str = "core.windows.net"
    scoring_suffix: str = "inference.ml.azure.com"
    ml_resource: str = "https://ml.azure.com"
    portal: str = "https://portal.azure.com"
    registry_discovery: str = "https://eastus.api.azureml.ms"
    registry_hosts: tuple[str, ...] = ("api.azureml.ms", "experiments.azureml.net")
    """What the names of hosts end with that answer for registries: a token goes nowhere else."""

    @property
    def arm_host(self) -> str:
        return (urlsplit(self.arm).hostname or "").lower()

    @property
    def name(self) -> str:
        """The SDK keeps metadata per cloud name for the life of the process: each ARM host needs its own."""
        return _WELL_KNOWN.get(self.arm_host, f"greenlight-{self.arm_host}")

    @property
    def events_suffix(self) -> str:
        """Of Event Grid's topics; in a cloud that is not listed, beside its Resource Manager."""
        return _EVENT_GRID.get(self.name, f"eventgrid.{self.arm_host.partition('.')[2]}")

    def sdk_metadata(self) -> dict[str, str]:
        """The six keys azure-ai-ml asks for; without all of them it fetches them from the public cloud."""
        return {
            "azure_portal": self.portal,
            "resource_manager": self.arm,
            "active_directory": self.authority,
            "aml_resource_id": self.ml_resource,
            "storage_endpoint": self.storage_suffix,
            "registry_discovery_endpoint": self.registry_discovery.rstrip("/") + "/",
        }

    def blob_url(self, account: str) -> str:
        return f"https://{account}.blob.{self.storage_suffix}"


def credential(cloud: AzureCloud) -> TokenCredential:
    """How this process proves who it is: managed identity where there is one, else the developer's sign-in.

    DefaultAzureCredential tries the environment and managed identity (IDENTITY_ENDPOINT) before the tools
    of a laptop. Nothing is asked for until the first token is needed.
    """
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential(
        authority=cloud.authority,
        exclude_interactive_browser_credential=True,
        exclude_visual_studio_code_credential=True,
        exclude_powershell_credential=True,
        exclude_shared_token_cache_credential=True,
    )
