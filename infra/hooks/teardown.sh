#!/bin/sh
# Takes Greenlight away, and leaves what it made for others: endpoints, registered models, frozen copies.
set -eu
: "${AZURE_RESOURCE_GROUP:?name of the resource group for Greenlight}"
: "${GREENLIGHT_DEV_WORKSPACE:?ARM id of the dev workspace}" "${GREENLIGHT_QA_WORKSPACE:?ARM id of the qa workspace}"
: "${sourceWorkspace:?output of main.bicep}" "${identityPrincipalId:?output of main.bicep}"
: "${stateAccount:?output of main.bicep}"

subscription=$(echo "$sourceWorkspace" | cut -d/ -f3)
topic=$(az eventgrid system-topic list --subscription "$subscription" --query "[].[source, id]" --output tsv |
  awk -F '\t' -v source="$sourceWorkspace" 'tolower($1) == tolower(source) {print $2}')
if [ -n "$topic" ]; then
  az resource delete --ids "$topic/eventSubscriptions/greenlight" --output none
fi

# Role assignments outlive the identity they were made for, so they go first. One subscription after the other.
for id in "$GREENLIGHT_DEV_WORKSPACE" "$GREENLIGHT_QA_WORKSPACE" "${GREENLIGHT_PROD_WORKSPACE:-}"; do
  [ -n "$id" ] || continue
  place=$(echo "$id" | cut -d/ -f3)
  az role assignment list --subscription "$place" --assignee "$identityPrincipalId" --all \
    --query "[].id" --output tsv | while read -r assignment; do
    az role assignment delete --ids "$assignment" --output none
  done
done

[ "$(az group exists --name "$AZURE_RESOURCE_GROUP")" = true ] || { echo "teardown: all is gone already"; exit 0; }

# While a policy holds, also one that is not locked, an account with an anchor in it cannot be deleted.
state=$(az storage container immutability-policy show --account-name "$stateAccount" --container-name anchors \
  --query state --output tsv) || state=
case $state in
  Unlocked)
    etag=$(az storage container immutability-policy show --account-name "$stateAccount" --container-name anchors \
      --query etag --output tsv)
    az storage container immutability-policy delete --account-name "$stateAccount" --container-name anchors \
      --if-match "$etag" --output none
    ;;
  Locked)
    echo "teardown: the anchors are locked: their account, and so the group, can go when the last one's days are" >&2
    echo "teardown: over (docs/deploy.md). Everything else goes now; run this again then." >&2
    ;;
esac

az group delete --name "$AZURE_RESOURCE_GROUP" --yes
echo "teardown: $AZURE_RESOURCE_GROUP is gone. docs/deploy.md says what is left, and how to come back."
