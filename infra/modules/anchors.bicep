// Heads of the journals, written once a day. The policy keeps even the app's identity from changing one.
param storageName string

@description('Days that an anchor can be neither changed nor deleted.')
param days int

@description('A locked policy can only be extended, so it is left alone here.')
param locked bool

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = {
  name: '${storageName}/default/anchors'
  properties: { publicAccess: 'None' }
}

resource policy 'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies@2025-06-01' = if (!locked) {
  parent: container
  name: 'default'
  properties: {
    immutabilityPeriodSinceCreationInDays: days
    allowProtectedAppendWrites: false
  }
}
