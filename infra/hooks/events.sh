#!/bin/sh
# Phase two: the function is there now, so events can be sent to it. A workspace has one system topic at most:
# the one that is there is used, whoever made it.
set -eu
: "${AZURE_RESOURCE_GROUP:?name of the resource group for Greenlight}"
: "${sourceWorkspace:?output of main.bicep}" "${functionApp:?output of main.bicep}"
: "${functionAppId:?output of main.bicep}" "${stateAccount:?output of main.bicep}"

attempt=1
until az functionapp function show --resource-group "$AZURE_RESOURCE_GROUP" --name "$functionApp" \
  --function-name on_model_event --query id --output tsv >/dev/null 2>&1; do
  attempt=$((attempt + 1))
  if [ "$attempt" -gt "${GREENLIGHT_PATIENCE:-20}" ]; then
    echo "events: $functionApp has no function on_model_event; was the code published?" >&2
    exit 1
  fi
  sleep 15
done

subscription=$(echo "$sourceWorkspace" | cut -d/ -f3)
region=$(az resource show --ids "$sourceWorkspace" --query location --output tsv)
topic=$(az eventgrid system-topic list --subscription "$subscription" --query "[].[source, id]" --output tsv |
  awk -F '\t' -v source="$sourceWorkspace" 'tolower($1) == tolower(source) {print $2}')
if [ -n "$topic" ]; then
  kind=$(az resource show --ids "$topic" --query identity.type --output tsv)
  case "$kind" in
    *SystemAssigned*) ;;
    *)
      echo "events: the workspace's system topic $topic has no identity of its own, and dead letters need one:" >&2
      echo "  az eventgrid system-topic update --ids $topic --identity systemassigned" >&2
      exit 1
      ;;
  esac
fi

az deployment group create --resource-group "$AZURE_RESOURCE_GROUP" --name greenlight-events \
  --template-file infra/events.bicep --output none --parameters \
  workspace="$sourceWorkspace" workspaceLocation="$region" systemTopic="$topic" \
  functionAppId="$functionAppId" storageName="$stateAccount"
echo "events: ModelRegistered and RunCompleted of $sourceWorkspace reach $functionApp"
