// A dev and a qa workspace to try Greenlight out with. No part of an installation: it takes workspaces that exist.
targetScope = 'resourceGroup'

@description('Begins the names.')
@minLength(2)
@maxLength(8)
param name string = 'glx'

param location string = resourceGroup().location

@description('One workspace each; the first one is the source.')
param environments array = ['dev', 'qa']

@description('On every resource.')
param tags object = {}

module workspaces 'modules/try-workspace.bicep' = [for environment in environments: {
  name: '${name}-${environment}'
  params: {
    name: '${name}-${environment}'
    short: take('${name}${environment}${uniqueString(resourceGroup().id, name)}', 24)
    location: location
    tags: tags
  }
}]

output environments array = [for (environment, i) in environments: {
  name: environment
  workspace: workspaces[i].outputs.id
  storageAccount: workspaces[i].outputs.storageId
}]
