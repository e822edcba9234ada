// Quota, VM sizes and operations of a region are read at the subscription: three read actions, nothing else.
targetScope = 'subscription'

param principalId string

var role = loadJsonContent('../roles/quota.json')
var place = subscription().id

resource definition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(place, 'greenlight-quota')
  properties: {
    roleName: 'Greenlight quota ${uniqueString(place)}'
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
  name: guid(place, principalId, definition.id)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', definition.name)
  }
}
