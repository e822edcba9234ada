// What the app may do at a registry that is the source: the actions in roles/registry.json, and nothing else.
param registryName string
param principalId string

var role = loadJsonContent('../roles/registry.json')
var place = resourceGroup().id

resource registry 'Microsoft.MachineLearningServices/registries@2026-05-01' existing = {
  name: registryName
}

// A role's name is unique in the tenant, so it carries the resource group's.
resource definition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(place, 'greenlight-registry')
  properties: {
    roleName: 'Greenlight registry ${uniqueString(place)}'
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
  name: guid(registry.id, principalId, definition.id)
  scope: registry
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', definition.name)
  }
}
