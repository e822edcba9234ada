// Rights on Greenlight's own account. Channels get one right on each of two queues, and nothing else.
param storageName string
param principalId string

@description('Object ids of the identities that bring votes.')
param channels array

var blobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
var queueDataContributor = '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
var tableDataContributor = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
var queueMessageProcessor = '8a0f0c08-91a1-4084-bc3d-661d67233fed'
var queueMessageSender = 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'
var appRoles = [queueDataContributor, tableDataContributor]

// The host needs an owner of blobs. Of anchors even the app only makes and reads some: it deletes, moves and
// re-owns none, also when the time is over in which the container's policy keeps everybody from it.
var keepsAnchors = '''
(
 (
  !(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete'})
  AND !(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/deleteBlobVersion/action'})
  AND !(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/permanentDelete/action'})
  AND !(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/move/action'})
  AND !(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/manageOwnership/action'})
  AND !(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/modifyPermissions/action'})
  AND !(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/runAsSuperUser/action'})
  AND !(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/immutableStorage/runAsSuperUser/action'})
 )
 OR
 (
  @Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringNotEquals 'anchors'
 )
)
'''

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageName
}

resource requests 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' existing = {
  name: '${storageName}/default/approval-requests'
}

resource decisions 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' existing = {
  name: '${storageName}/default/approval-decisions'
}

resource ofTheApp 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in appRoles: {
  name: guid(account.id, principalId, role)
  scope: account
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
  }
}]

resource blobsOfTheApp 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, principalId, blobDataOwner)
  scope: account
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataOwner)
    conditionVersion: '2.0'
    condition: keepsAnchors
  }
}

resource readers 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for channel in channels: {
  name: guid(requests.id, channel, queueMessageProcessor)
  scope: requests
  properties: {
    principalId: channel
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', queueMessageProcessor)
  }
}]

resource senders 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for channel in channels: {
  name: guid(decisions.id, channel, queueMessageSender)
  scope: decisions
  properties: {
    principalId: channel
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', queueMessageSender)
  }
}]
