#!/bin/sh
# Takes Greenlight away, and leaves what it made for others: endpoints, registered models, frozen copies.
set -eu
: "${AZURE_RESOURCE_GROUP:?name of the resource group for Greenlight}"
: "${sourceWorkspace:?output of main.bicep}" "${identityPrincipalId:?output of main.bicep}"

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

az group delete --name "$AZURE_RESOURCE_GROUP" --yes
echo "teardown: $AZURE_RESOURCE_GROUP is gone. docs/deploy.md says what is left, and how to come back."
