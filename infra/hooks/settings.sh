#!/bin/sh
# The app's settings for a shell, so that greenlight doctor and greenlight rebuild see what the app sees:
#   eval "$(sh infra/hooks/settings.sh)"
# Needs Website Contributor on the app, and Key Vault Secrets User or Officer for its secrets.
set -eu
: "${AZURE_RESOURCE_GROUP:?name of the resource group for Greenlight}"
: "${functionApp:?output of main.bicep}"

quoted() {
  printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")"
}

az functionapp config appsettings list --resource-group "$AZURE_RESOURCE_GROUP" --name "$functionApp" \
  --query "[?starts_with(name, 'GREENLIGHT_')].[name, value]" --output tsv |
  while IFS="$(printf '\t')" read -r name value; do
    case "$value" in
      @Microsoft.KeyVault\(SecretUri=*)
        secret=${value#*SecretUri=}
        value=$(az keyvault secret show --id "${secret%)}" --query value --output tsv </dev/null) ;;
    esac
    echo "export $name=$(quoted "$value")"
  done
