// Phase two, after the code is there: events of the source workspace reach the function on_model_event.
// Deployed into Greenlight's resource group; the topic is where the workspace is, or where it was before.
targetScope = 'resourceGroup'

@description('ARM id of the first environment\'s workspace.')
param workspace string

@description('Region of that workspace.')
param workspaceLocation string

@description('The system topic that the workspace has already, as ARM id; only one is allowed for each source. Empty: one is made.')
param systemTopic string = ''

@description('Outputs of main.bicep.')
param functionAppId string
param storageName string

@description('On what is made.')
param tags object = {}

var workspaceName = split(workspace, '/')[8]
var topicId = empty(systemTopic) ? workspace : systemTopic
var topicName = empty(systemTopic) ? 'greenlight-${workspaceName}' : split(topicId, '/')[8]

module topic 'modules/system-topic.bicep' = if (empty(systemTopic)) {
  name: 'greenlight-system-topic'
  scope: resourceGroup(split(workspace, '/')[2], split(workspace, '/')[4])
  params: { name: topicName, location: workspaceLocation, tags: tags, workspace: workspace }
}

module identity 'modules/topic-identity.bicep' = {
  name: 'greenlight-topic-identity'
  scope: resourceGroup(split(topicId, '/')[2], split(topicId, '/')[4])
  params: { topicName: topicName }
  dependsOn: [
    topic
  ]
}

module deadLetters 'modules/dead-letter-role.bicep' = {
  name: 'greenlight-dead-letter-role'
  params: { storageName: storageName, principalId: identity.outputs.principalId }
}

module delivery 'modules/event-subscription.bicep' = {
  name: 'greenlight-event-subscription'
  scope: resourceGroup(split(topicId, '/')[2], split(topicId, '/')[4])
  params: {
    topicName: topicName
    functionId: '${functionAppId}/functions/on_model_event'
    deadLetterAccountId: deadLetters.outputs.accountId
    deadLetterContainer: deadLetters.outputs.container
  }
}

output systemTopicName string = topicName
