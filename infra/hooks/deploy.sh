#!/bin/sh
# Both phases and the code, by az alone: what `azd up` does. Takes the package; may run again at any time.
set -eu
package=${1:?the package, a zip}
parameters=${GREENLIGHT_PARAMETERS:-infra/dev-qa.bicepparam}
: "${AZURE_RESOURCE_GROUP:?name of the resource group for Greenlight}"

found=$(sh infra/hooks/before.sh)
eval "$found"
az deployment group create --resource-group "$AZURE_RESOURCE_GROUP" --name greenlight \
  --parameters "$parameters" --output none
found=$(sh infra/hooks/outputs.sh)
eval "$found"
sh infra/hooks/secrets.sh
az functionapp deployment source config-zip --resource-group "$AZURE_RESOURCE_GROUP" --name "$functionApp" \
  --src "$package" --build-remote true --output none
sh infra/hooks/events.sh
sh infra/hooks/smoke.sh
