// What the app may do in the source workspace: the actions in roles/source.json, and nothing else.
param workspaceName string
param principalId string

var role = loadJsonContent('../roles/source.json')
var place = resourceGroup().id

resource workspace 'Microsoft.MachineLearningServices/workspaces@2026-05-01' existing = {
  name: workspaceName
}

// A role's name is unique in the tenant, so it carries the resource group's.
resource definition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(place, 'greenlight-source')
  properties: {
    roleName: 'Greenlight source ${uniqueString(place)}'
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
