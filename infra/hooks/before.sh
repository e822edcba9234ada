#!/bin/sh
# Before phase one: the resource group is there, and the storage account of each workspace is looked up.
# azd remembers them; a shell does so too:  eval "$(sh infra/hooks/before.sh)"
set -eu
: "${AZURE_RESOURCE_GROUP:?name of the resource group for Greenlight}"
: "${GREENLIGHT_DEV_WORKSPACE:?ARM id of the dev workspace}"
: "${GREENLIGHT_QA_WORKSPACE:?ARM id of the qa workspace}"

az group create --name "$AZURE_RESOURCE_GROUP" --location "${AZURE_LOCATION:-westeurope}" --output none

remember() {
  if [ -n "${AZURE_ENV_NAME:-}" ]; then azd env set "$1" "$2"; fi
  echo "export $1='$2'"
}

storage_of() {
  found=$(az resource show --ids "$2" --query properties.storageAccount --output tsv) || {
    echo "before: no workspace can be read at $2" >&2
    return 1
  }
  remember "$1" "$found"
}

storage_of GREENLIGHT_DEV_STORAGE "$GREENLIGHT_DEV_WORKSPACE"
storage_of GREENLIGHT_QA_STORAGE "$GREENLIGHT_QA_WORKSPACE"
if [ -n "${GREENLIGHT_PROD_WORKSPACE:-}" ]; then
  storage_of GREENLIGHT_PROD_STORAGE "$GREENLIGHT_PROD_WORKSPACE"
fi
