// The function app: Flex Consumption, Python, one identity, secrets by reference, sign-in by the platform.
param name string
param location string
param tags object
param identityId string
param clientId string
param storageName string
param vaultUri string
param insightsConnection string
param tenantId string
param authClientId string
param teams bool
param sweepSchedule string
param anchorDays int

@description('Where Greenlight\'s own events go; empty: nowhere.')
param eventsEndpoint string

@description('What greenlight.yaml names: { name, value } each.')
param settings array

param maximumInstances int

@description('Subnet to join; empty: none.')
param subnetId string

var signIn = !empty(authClientId)
var url = 'https://${name}.azurewebsites.net'
var authority = environment().authentication.loginEndpoint
var storageSuffix = environment().suffixes.storage
var tableUri = 'https://${storageName}.table.${storageSuffix}'
var queueUri = 'https://${storageName}.queue.${storageSuffix}'
var blobUri = 'https://${storageName}.blob.${storageSuffix}'

// Every setting that the product reads is here, with its default too: the portal then shows what is in force.
var productSettings = [
  { name: 'GREENLIGHT_BASE_URL', value: url }
  { name: 'GREENLIGHT_STORAGE__tableServiceUri', value: tableUri }
  { name: 'GREENLIGHT_STORAGE__queueServiceUri', value: queueUri }
  { name: 'GREENLIGHT_STORAGE__blobServiceUri', value: blobUri }
  { name: 'GREENLIGHT_LINK_KEYS', value: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/link-keys)' }
  { name: 'GREENLIGHT_JOURNAL_KEY', value: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/journal-key)' }
  { name: 'GREENLIGHT_TENANT', value: tenantId }
  { name: 'GREENLIGHT_CONFIG', value: 'greenlight.yaml' }
  { name: 'GREENLIGHT_TEAMS_WEBHOOK', value: teams ? '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/teams-webhook)' : '' }
  { name: 'GREENLIGHT_EVENTS_TOPIC', value: eventsEndpoint }
  { name: 'GREENLIGHT_ARM_ENDPOINT', value: environment().resourceManager }
  { name: 'GREENLIGHT_AUTHORITY', value: authority }
  { name: 'GREENLIGHT_STORAGE_SUFFIX', value: storageSuffix }
  { name: 'GREENLIGHT_SCORING_SUFFIX', value: 'inference.ml.azure.com' }
  { name: 'GREENLIGHT_REGISTRY_DISCOVERY', value: 'https://eastus.api.azureml.ms' }
  { name: 'GREENLIGHT_REGISTRY_HOSTS', value: 'api.azureml.ms,experiments.azureml.net' }
  { name: 'GREENLIGHT_LEASE_SECONDS', value: '30' }
  { name: 'GREENLIGHT_CALL_DEADLINE_SECONDS', value: '20' }
  { name: 'GREENLIGHT_SKEW_SECONDS', value: '5' }
  { name: 'GREENLIGHT_SWEEP_SCHEDULE', value: sweepSchedule }
  { name: 'GREENLIGHT_ANCHOR_DAYS', value: string(anchorDays) }
  { name: 'GREENLIGHT_PACE', value: '1' }
]
var platformSettings = [
  { name: 'GREENLIGHT_STORAGE__credential', value: 'managedidentity' }
  { name: 'GREENLIGHT_STORAGE__clientId', value: clientId }
  { name: 'AzureWebJobsStorage__tableServiceUri', value: tableUri }
  { name: 'AzureWebJobsStorage__queueServiceUri', value: queueUri }
  { name: 'AzureWebJobsStorage__blobServiceUri', value: blobUri }
  { name: 'AzureWebJobsStorage__credential', value: 'managedidentity' }
  { name: 'AzureWebJobsStorage__clientId', value: clientId }
  { name: 'AzureWebJobsDisableHomepage', value: 'true' }
  { name: 'AZURE_CLIENT_ID', value: clientId }
  { name: 'APPLICATIONINSIGHTS_CONNECTION_STRING', value: insightsConnection }
  { name: 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING', value: 'ClientId=${clientId};Authorization=AAD' }
  { name: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID', value: clientId }
]

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: name
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'greenlight' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${blobUri}/deployment'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: { name: 'python', version: '3.12' }
      scaleAndConcurrency: {
        instanceMemoryMB: 2048
        maximumInstanceCount: maximumInstances
        triggers: { http: { perInstanceConcurrency: 8 } }
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      http20Enabled: true
      appSettings: concat(productSettings, platformSettings, settings)
    }
  }
}

resource noFtp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'ftp'
  properties: { allow: false }
}

resource noPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'scm'
  properties: { allow: false }
}

// Event Grid and health probes cannot sign in; everything else has to. No client secret: the app's identity
// is a federated credential of the registration.
resource auth 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: { enabled: signIn }
    globalValidation: {
      requireAuthentication: signIn
      unauthenticatedClientAction: signIn ? 'RedirectToLoginPage' : 'AllowAnonymous'
      redirectToProvider: 'azureactivedirectory'
      excludedPaths: ['/runtime/webhooks/eventgrid', '/healthz']
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: signIn
        registration: {
          openIdIssuer: '${authority}${tenantId}/v2.0'
          clientId: authClientId
          clientSecretSettingName: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'
        }
        validation: {
          allowedAudiences: [authClientId, 'api://${authClientId}']
        }
      }
    }
    login: { tokenStore: { enabled: false } }
    httpSettings: { requireHttps: true }
  }
}

output id string = app.id
output name string = app.name
output url string = url
