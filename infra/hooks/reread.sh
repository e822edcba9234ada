#!/bin/sh
# The app reads its secrets from Key Vault again and starts anew with them. By itself the platform would do so
# within a day; restarting alone is no reason for it to.
set -eu
: "${AZURE_RESOURCE_GROUP:?name of the resource group for Greenlight}"
: "${functionApp:?output of main.bicep}" "${functionAppId:?output of main.bicep}"
references="$functionAppId/config/configreferences/appsettings"
version=api-version=2022-03-01

# A role that was just assigned takes a few minutes to be believed; a secret that is not there is not waited for.
attempt=1
while :; do
  az rest --method POST --uri "$references/refresh?$version" --output none
  left=$(az rest --method GET --uri "$references?$version" --output tsv \
    --query "value[?properties.status!='Resolved'].[name, properties.status]")
  waits=$(echo "$left" | grep -v -e SecretNotFound -e '^$' || true)
  [ -n "$waits" ] || break
  attempt=$((attempt + 1))
  if [ "$attempt" -gt "${GREENLIGHT_PATIENCE:-20}" ]; then
    echo "reread: the app cannot read these yet; is Key Vault Secrets User given to its identity?" >&2
    echo "$waits" >&2
    exit 1
  fi
  sleep 15
done
az functionapp restart --resource-group "$AZURE_RESOURCE_GROUP" --name "$functionApp" --output none
if [ -n "$left" ]; then echo "reread: not in the vault: $left" >&2; fi
echo "reread: $functionApp starts anew with what is in the vault"
