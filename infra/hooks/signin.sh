#!/bin/sh
# The app registration that people sign in with: no secret, the app's identity is its credential. Run it before
# phase one (it prints the client id) and once more after it (then the address and the identity are known).
# Needs the right to make app registrations; a second run changes nothing.
set -eu
name=${GREENLIGHT_NAME:-greenlight}
id=${GREENLIGHT_AUTH_CLIENT_ID:-$(az ad app list --display-name "$name" --query "[0].appId" --output tsv)}
if [ -z "$id" ]; then
  id=$(az ad app create --display-name "$name" --sign-in-audience AzureADMyOrg --query appId --output tsv)
  az ad sp create --id "$id" --output none
fi
echo "export GREENLIGHT_AUTH_CLIENT_ID='$id'"
[ -n "${baseUrl:-}" ] || exit 0
: "${identityPrincipalId:?output of main.bicep}"

# Groups come in the token, for approvers and operators that are groups; az itself may ask for tokens (the CLI).
scope=5d1c1f0e-6a53-4c0e-9f0b-8d0f2a7b6c11
azure_cli=04b07795-8ddb-461a-bbee-02f9e1bf7b46
az rest --method PATCH --uri "https://graph.microsoft.com/v1.0/applications(appId='$id')" --output none \
  --headers Content-Type=application/json --body '{
    "identifierUris": ["api://'"$id"'"], "groupMembershipClaims": "SecurityGroup",
    "web": {"redirectUris": ["'"$baseUrl"'/.auth/login/aad/callback"],
            "implicitGrantSettings": {"enableIdTokenIssuance": true}},
    "api": {"requestedAccessTokenVersion": 2,
            "oauth2PermissionScopes": [{"id": "'$scope'", "value": "user_impersonation", "type": "User",
              "isEnabled": true, "adminConsentDisplayName": "Use Greenlight",
              "adminConsentDescription": "Use Greenlight as the signed-in person",
              "userConsentDisplayName": "Use Greenlight", "userConsentDescription": "Use Greenlight as you"}],
            "preAuthorizedApplications": [{"appId": "'$azure_cli'", "delegatedPermissionIds": ["'$scope'"]}]}}'

known=$(az ad app federated-credential list --id "$id" --query "[?subject=='$identityPrincipalId'] | length(@)" --output tsv)
if [ "$known" = 0 ]; then
  tenant=$(az account show --query tenantId --output tsv)
  az ad app federated-credential create --id "$id" --output none --parameters '{
    "name": "'"$name"'", "subject": "'"$identityPrincipalId"'", "audiences": ["api://AzureADTokenExchange"],
    "issuer": "https://login.microsoftonline.com/'"$tenant"'/v2.0"}'
fi
