// Two environments. Values come from the shell, or from `azd env set`; docs/deploy.md lists them.
using 'main.bicep'

param name = readEnvironmentVariable('GREENLIGHT_NAME', 'greenlight')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param environments = [
  {
    name: 'dev'
    workspace: readEnvironmentVariable('GREENLIGHT_DEV_WORKSPACE')
    storageAccount: readEnvironmentVariable('GREENLIGHT_DEV_STORAGE')
  }
  {
    name: 'qa'
    workspace: readEnvironmentVariable('GREENLIGHT_QA_WORKSPACE')
    storageAccount: readEnvironmentVariable('GREENLIGHT_QA_STORAGE')
  }
]
param registryId = readEnvironmentVariable('GREENLIGHT_REGISTRY_ID', '')
param pipelineSettings = [
  { name: 'GREENLIGHT_APPROVER_1', value: readEnvironmentVariable('GREENLIGHT_APPROVER_1') }
  { name: 'GREENLIGHT_APPROVER_2', value: readEnvironmentVariable('GREENLIGHT_APPROVER_2') }
  { name: 'GREENLIGHT_OPERATORS_GROUP', value: readEnvironmentVariable('GREENLIGHT_OPERATORS_GROUP') }
  { name: 'GREENLIGHT_BRIDGE_KEY', value: readEnvironmentVariable('GREENLIGHT_BRIDGE_KEY', '') }
]
param authClientId = readEnvironmentVariable('GREENLIGHT_AUTH_CLIENT_ID', '')
param teams = readEnvironmentVariable('GREENLIGHT_TEAMS', 'no') == 'yes'
param eventsTopic = readEnvironmentVariable('GREENLIGHT_EVENTS', 'no') == 'yes'
param deployerId = readEnvironmentVariable('AZURE_PRINCIPAL_ID', '')
param deployerType = readEnvironmentVariable('AZURE_PRINCIPAL_TYPE', 'User')
param tags = {
  'azd-env-name': readEnvironmentVariable('AZURE_ENV_NAME', 'greenlight')
}
