// What the app may do in a later workspace, and the datastore that its frozen copies are registered from.
param workspaceName string
param principalId string

@description('Account of the default datastore, and the container that only Greenlight writes.')
param storageName string
param container string

var role = loadJsonContent('../roles/target.json')
var place = resourceGroup().id

resource workspace 'Microsoft.MachineLearningServices/workspaces@2026-05-01' existing = {
  name: workspaceName
}

// A role's name is unique in the tenant, so it carries the resource group's.
resource definition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(place, 'greenlight-target')
  properties: {
    roleName: 'Greenlight target ${uniqueString(place)}'
    description: role.description
    type: 'CustomRole'
    permissions: [
      {
        actions: role.actions
        notActions: []
        dataActions: role.dataActions
        notDataActions: []
      }
    ]
    assignableScopes: [place]
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workspace.id, principalId, definition.id)
  scope: workspace
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', definition.name)
  }
}

// No credentials: whoever reads it does so as itself. Endpoints' identities may read the workspace's account.
resource frozen 'Microsoft.MachineLearningServices/workspaces/datastores@2026-05-01' = {
  parent: workspace
  name: 'greenlight_frozen'
  properties: {
    datastoreType: 'AzureBlob'
    description: 'Models that Greenlight copied here. Only its identity writes; nothing here is ever changed.'
    accountName: storageName
    containerName: container
    endpoint: environment().suffixes.storage
    protocol: 'https'
    credentials: { credentialsType: 'None' }
    serviceDataAccessAuthIdentity: 'WorkspaceSystemAssignedIdentity'
  }
}
