// The container of frozen copies in a later workspace's account: writable for this identity, there alone.
param storageName string
param principalId string

@description('Is there an environment after this one? It is copied from here.')
param copiedFrom bool

var blobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
var blobDataReader = '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageName
}

resource frozen 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = {
  name: '${storageName}/default/greenlight-frozen'
  properties: { publicAccess: 'None' }
}

resource writer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(frozen.id, principalId, blobDataContributor)
  scope: frozen
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataContributor)
  }
}

// Signing a read (user delegation) is a right on the account.
resource reader 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (copiedFrom) {
  name: guid(account.id, principalId, blobDataReader)
  scope: account
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataReader)
  }
}

output container string = last(split(frozen.name, '/'))
