#!/bin/sh
# The app registration that people sign in with: no secret, the app's identity is its credential. Run it before
# phase one (it prints the client id) and once more after it (then the address and the identity are known).
# Needs the right to make app registrations; a second run changes nothing.
set -eu
name=${GREENLIGHT_NAME:-greenlight}
id=${GREENLIGHT_AUTH_CLIENT_ID:-}
if [ -z "$id" ]; then # by a filter: --display-name would find every name that begins so
  id=$(az ad app list --filter "displayName eq '$name'" --query "[].appId" --output tsv)
fi
if [ "$(echo "$id" | wc -l)" -gt 1 ]; then
  echo "signin: several registrations are called $name; say which one: export GREENLIGHT_AUTH_CLIENT_ID=…" >&2
  echo "$id" >&2
  exit 1
fi
if [ -z "$id" ]; then
  id=$(az ad app create --display-name "$name" --sign-in-audience AzureADMyOrg --query appId --output tsv)
fi
az ad sp show --id "$id" --output none 2>/dev/null || az ad sp create --id "$id" --output none
echo "export GREENLIGHT_AUTH_CLIENT_ID='$id'"
if [ -z "${baseUrl:-}" ]; then
  echo "signin: run it again after phase one, when the app's address is known" >&2
  exit 0
fi
: "${identityPrincipalId:?output of main.bicep}"

callback=$baseUrl/.auth/login/aad/callback
others=$(az ad app show --id "$id" --query "web.redirectUris[?@!='$callback']" --output tsv)
if [ -n "$others" ]; then
  echo "signin: the registration $name ($id) is in use elsewhere, and nothing of it was changed: $others" >&2
  echo "signin: take another GREENLIGHT_NAME, or name a registration by GREENLIGHT_AUTH_CLIENT_ID" >&2
  exit 1
fi

# Groups come in the token, for approvers and operators that are groups; az itself may ask for tokens (the CLI).
scope=5d1c1f0e-6a53-4c0e-9f0b-8d0f2a7b6c11
azure_cli=04b07795-8ddb-461a-bbee-02f9e1bf7b46
change() {
  az rest --method PATCH --uri "https://graph.microsoft.com/v1.0/applications(appId='$id')" --output none \
    --headers Content-Type=application/json --body "$1"
}
change '{
  "identifierUris": ["api://'"$id"'"], "groupMembershipClaims": "SecurityGroup",
  "web": {"redirectUris": ["'"$callback"'"], "implicitGrantSettings": {"enableIdTokenIssuance": true}},
  "api": {"requestedAccessTokenVersion": 2,
          "oauth2PermissionScopes": [{"id": "'$scope'", "value": "user_impersonation", "type": "User",
            "isEnabled": true, "adminConsentDisplayName": "Use Greenlight",
            "adminConsentDescription": "Use Greenlight as the signed-in person",
            "userConsentDisplayName": "Use Greenlight", "userConsentDescription": "Use Greenlight as you"}]}}'
# A second request: Graph knows no scope that the same one brings.
change '{"api": {"preAuthorizedApplications": [{"appId": "'$azure_cli'", "delegatedPermissionIds": ["'$scope'"]}]}}'

known=$(az ad app federated-credential list --id "$id" --query "[?subject=='$identityPrincipalId'] | length(@)" --output tsv)
if [ "$known" = 0 ]; then
  tenant=$(az account show --query tenantId --output tsv)
  az ad app federated-credential create --id "$id" --output none --parameters '{
    "name": "'"$name-$identityPrincipalId"'", "subject": "'"$identityPrincipalId"'",
    "audiences": ["api://AzureADTokenExchange"],
    "issuer": "https://login.microsoftonline.com/'"$tenant"'/v2.0"}'
fi
