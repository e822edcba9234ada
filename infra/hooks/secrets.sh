#!/bin/sh
# Makes the keys that Greenlight signs with, once: a secret that is there is left alone.
# The caller needs Key Vault Secrets Officer on the vault (deployerId of main.bicep). Values appear nowhere.
set -eu
: "${keyVault:?name of the vault, an output of main.bicep}"
made=no

exists() {
  az keyvault secret show --vault-name "$keyVault" --name "$1" --query id --output tsv >/dev/null 2>&1
}

put() { # NAME, its value comes in
  az keyvault secret set --vault-name "$keyVault" --name "$1" --file /dev/stdin --encoding utf-8 --output none
}

# A role that was just assigned takes a few minutes to be believed.
ensure() {
  attempt=1
  until exists "$1"; do
    if openssl rand -base64 48 | tr -d '\n' | put "$1"; then made=yes; break; fi
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
  if [ -n "${GREENLIGHT_TEAMS_FILE:-}" ]; then
    tr -d '\r\n' <"$GREENLIGHT_TEAMS_FILE" | put teams-webhook
    made=yes
  else
    echo "secrets: put the Teams address there by hand, it is a secret of yours:" >&2
    echo "  az keyvault secret set --vault-name $keyVault --name teams-webhook --file FILE" >&2
    echo "  sh infra/hooks/reread.sh" >&2
  fi
fi
if [ "$made" = yes ]; then
  sh infra/hooks/reread.sh || echo "secrets: run infra/hooks/reread.sh again, or the app sees them in a day" >&2
fi
