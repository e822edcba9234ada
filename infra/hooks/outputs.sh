#!/bin/sh
# What phase one made, for a shell:  eval "$(sh infra/hooks/outputs.sh)"
set -eu
: "${AZURE_RESOURCE_GROUP:?name of the resource group for Greenlight}"
for name in functionApp functionAppId stateAccount keyVault identityPrincipalId baseUrl sourceWorkspace; do
  value=$(az deployment group show --resource-group "$AZURE_RESOURCE_GROUP" --name greenlight \
    --query "properties.outputs.$name.value" --output tsv)
  echo "export $name='$value'"
done
