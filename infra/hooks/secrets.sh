#!/bin/sh
# Makes the keys that Greenlight signs with, once: a secret that is there is left alone.
# The caller needs Key Vault Secrets Officer on the vault (deployerId of main.bicep). Values appear nowhere.
set -eu
: "${keyVault:?name of the vault, an output of main.bicep}"

exists() {
  az keyvault secret show --vault-name "$keyVault" --name "$1" --query id --output tsv >/dev/null 2>&1
}

# A role that was just assigned takes a few minutes to be believed.
ensure() {
  attempt=1
  until exists "$1"; do
    value=$(openssl rand -base64 48 | tr -d '\n')
    printf %s "$value" | az keyvault secret set --vault-name "$keyVault" --name "$1" \
      --file /dev/stdin --encoding utf-8 --output none && break
    attempt=$((attempt + 1))
    if [ "$attempt" -gt 10 ]; then
      echo "secrets: $1 could not be written to $keyVault; is your role there yet?" >&2
      exit 1
    fi
    sleep 30
  done
  echo "secrets: $1 is in $keyVault"
}

ensure link-keys
ensure journal-key
if [ "${GREENLIGHT_TEAMS:-no}" = yes ] && ! exists teams-webhook; then
  echo "secrets: put the Teams address there by hand, it is a secret of yours:" >&2
  echo "  az keyvault secret set --vault-name $keyVault --name teams-webhook --file FILE" >&2
fi
