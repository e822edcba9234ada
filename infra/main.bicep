// Phase one: everything but the event subscription (events.bicep), which needs the function to exist.
// One resource group holds Greenlight; what it needs in workspaces goes into their own resource groups.
targetScope = 'resourceGroup'

@description('Begins the names of the app and what belongs to it. A second installation takes another one.')
@minLength(2)
@maxLength(20)
param name string = 'greenlight'

@description('Region of Greenlight; workspaces may be elsewhere.')
param location string = resourceGroup().location

@description('In the order of greenlight.yaml, the first one is the source: { name, workspace, storageAccount }, both as ARM ids. storageAccount is the one of the default datastore.')
@minLength(1)
param environments array

@description('ARM id of the model registry that greenlight.yaml names as the source of the first environment. Empty: models are registered in its workspace.')
param registryId string = ''

@description('The variables that greenlight.yaml names, besides the workspaces: { name, value } each.')
param pipelineSettings array = []

@description('Client id of the app registration for sign-in. Empty: no sign-in, and only personal links and channels vote.')
param authClientId string = ''

@description('Entra tenant whose people may act.')
param tenantId string = tenant().tenantId

@description('Is there a Teams webhook in Key Vault?')
param teams bool = false

@description('Object ids of the identities that bring votes: they may read approval-requests and send to approval-decisions.')
param channels array = []

@description('Who may write the secrets, usually whoever deploys: an object id. Empty: nobody is added.')
param deployerId string = ''

@description('What deployerId is.')
@allowed(['User', 'Group', 'ServicePrincipal'])
param deployerType string = 'User'

@description('Who is told by mail when something is wrong.')
param alertEmails array = []

@description('Six fields, seconds first.')
param sweepSchedule string = '0 * * * * *'

@description('More instances at once are never started.')
@minValue(1)
@maxValue(1000)
param maximumInstances int = 40

@description('Days that logs are kept.')
@minValue(30)
@maxValue(730)
param logDays int = 30

@description('Days that an anchor of the journals can be neither changed nor deleted.')
@minValue(1)
@maxValue(146000)
param anchorDays int = 365

@description('True once the policy of the anchors was locked: a locked policy is not written again.')
param anchorsLocked bool = false

@description('Also make an Event Grid topic for Greenlight\'s own events, and publish to it.')
param eventsTopic bool = false

@description('Private networking: subnet that the app joins, delegated to Microsoft.App/environments. Empty: none.')
param appSubnetId string = ''

@description('Private networking: subnet of the private endpoints of storage and Key Vault. Needs appSubnetId and dnsZones too. Empty: none.')
param endpointSubnetId string = ''

@description('Private networking: ARM ids of the private DNS zones { blob, queue, table, vault }.')
param dnsZones object = {}

@description('On every resource.')
param tags object = {}

var suffix = uniqueString(subscription().id, resourceGroup().id, name)
var appName = '${name}-${suffix}'
var storageName = take('gl${suffix}', 24)
var vaultName = take('gl-${suffix}', 24)
var isPrivate = !empty(endpointSubnetId)
// Parts of an id are taken from it whether or not the module is deployed.
var registryParts = split(empty(registryId) ? '${resourceGroup().id}/providers/Microsoft.MachineLearningServices/registries/none' : registryId, '/')
var registrySettings = empty(registryId) ? [] : [
  { name: 'GREENLIGHT_REGISTRY', value: 'azureml://registries/${registryParts[8]}' }
]
var workspaceSettings = [for each in environments: {
  name: 'GREENLIGHT_${toUpper(each.name)}_WORKSPACE'
  value: each.workspace
}]

module identity 'modules/identity.bicep' = {
  name: '${name}-identity'
  params: { name: appName, location: location, tags: tags }
}

module storage 'modules/storage.bicep' = {
  name: '${name}-storage'
  params: { name: storageName, location: location, tags: tags, isPrivate: isPrivate }
}

module anchors 'modules/anchors.bicep' = {
  name: '${name}-anchors'
  params: { storageName: storage.outputs.name, days: anchorDays, locked: anchorsLocked }
}

module storageRoles 'modules/storage-roles.bicep' = {
  name: '${name}-storage-roles'
  params: {
    storageName: storage.outputs.name
    principalId: identity.outputs.principalId
    channels: channels
  }
}

module vault 'modules/vault.bicep' = {
  name: '${name}-vault'
  params: {
    name: vaultName
    location: location
    tags: tags
    tenantId: tenantId
    principalId: identity.outputs.principalId
    deployerId: deployerId
    deployerType: deployerType
    isPrivate: isPrivate
  }
}

module telemetry 'modules/telemetry.bicep' = {
  name: '${name}-telemetry'
  params: {
    name: appName
    location: location
    tags: tags
    days: logDays
    principalId: identity.outputs.principalId
  }
}

module app 'modules/app.bicep' = {
  name: '${name}-app'
  params: {
    name: appName
    location: location
    tags: tags
    identityId: identity.outputs.id
    clientId: identity.outputs.clientId
    storageName: storage.outputs.name
    vaultUri: vault.outputs.uri
    insightsConnection: telemetry.outputs.connection
    tenantId: tenantId
    authClientId: authClientId
    teams: teams
    sweepSchedule: sweepSchedule
    anchorDays: anchorDays
    eventsEndpoint: eventsTopic ? topic!.outputs.endpoint : ''
    settings: concat(workspaceSettings, registrySettings, pipelineSettings)
    maximumInstances: maximumInstances
    subnetId: appSubnetId
  }
  dependsOn: [
    storageRoles
  ]
}

module alerts 'modules/alerts.bicep' = {
  name: '${name}-alerts'
  params: {
    name: appName
    location: location
    tags: tags
    insightsId: telemetry.outputs.id
    emails: alertEmails
  }
}

module topic 'modules/own-topic.bicep' = if (eventsTopic) {
  name: '${name}-topic'
  params: { name: appName, location: location, tags: tags, principalId: identity.outputs.principalId }
}

module privateEndpoints 'modules/private.bicep' = if (isPrivate) {
  name: '${name}-private'
  params: {
    name: appName
    location: location
    tags: tags
    subnetId: endpointSubnetId
    storageId: storage.outputs.id
    vaultId: vault.outputs.id
    dnsZones: dnsZones
  }
}

// The first environment is the source: it is read, and deployed in place.
module source 'modules/source.bicep' = {
  name: '${name}-source'
  scope: resourceGroup(split(environments[0].workspace, '/')[2], split(environments[0].workspace, '/')[4])
  params: {
    workspaceName: split(environments[0].workspace, '/')[8]
    principalId: identity.outputs.principalId
  }
}

module sourceStorage 'modules/source-storage.bicep' = {
  name: '${name}-source-storage'
  scope: resourceGroup(split(environments[0].storageAccount, '/')[2], split(environments[0].storageAccount, '/')[4])
  params: {
    storageName: split(environments[0].storageAccount, '/')[8]
    principalId: identity.outputs.principalId
  }
}

module registry 'modules/registry.bicep' = if (!empty(registryId)) {
  name: '${name}-registry'
  scope: resourceGroup(registryParts[2], registryParts[4])
  params: {
    registryName: registryParts[8]
    principalId: identity.outputs.principalId
  }
}

module targetStorage 'modules/target-storage.bicep' = [for i in range(1, length(environments) - 1): {
  name: '${name}-storage-${environments[i].name}'
  scope: resourceGroup(split(environments[i].storageAccount, '/')[2], split(environments[i].storageAccount, '/')[4])
  params: {
    storageName: split(environments[i].storageAccount, '/')[8]
    principalId: identity.outputs.principalId
    copiedFrom: i < length(environments) - 1
  }
}]

// One after the other: two environments in one group share the role's definition.
@batchSize(1)
module targets 'modules/target.bicep' = [for i in range(1, length(environments) - 1): {
  name: '${name}-target-${environments[i].name}'
  scope: resourceGroup(split(environments[i].workspace, '/')[2], split(environments[i].workspace, '/')[4])
  params: {
    workspaceName: split(environments[i].workspace, '/')[8]
    storageName: split(environments[i].storageAccount, '/')[8]
    container: targetStorage[i - 1].outputs.container
    principalId: identity.outputs.principalId
  }
}]

@batchSize(1)
module quota 'modules/quota.bicep' = [for each in environments: {
  name: '${name}-quota-${each.name}'
  scope: subscription(split(each.workspace, '/')[2])
  params: { principalId: identity.outputs.principalId }
}]

// Lower case first: the service changes leading capitals of output names.
output functionApp string = app.outputs.name
output functionAppId string = app.outputs.id
output stateAccount string = storage.outputs.name
output keyVault string = vault.outputs.name
output identityPrincipalId string = identity.outputs.principalId
output baseUrl string = app.outputs.url
output sourceWorkspace string = environments[0].workspace
