// Private endpoints of storage and Key Vault, in a network that exists already. The app itself stays public:
// Event Grid delivers to it, and approvers open its pages; sign-in guards them.
param name string
param location string
param tags object
param subnetId string
param storageId string
param vaultId string

@description('ARM ids of the zones: { blob, queue, table, vault }.')
param dnsZones object

var doors = [
  { kind: 'blob', target: storageId }
  { kind: 'queue', target: storageId }
  { kind: 'table', target: storageId }
  { kind: 'vault', target: vaultId }
]

resource endpoints 'Microsoft.Network/privateEndpoints@2024-05-01' = [for door in doors: {
  name: '${name}-${door.kind}'
  location: location
  tags: tags
  properties: {
    subnet: { id: subnetId }
    privateLinkServiceConnections: [
      {
        name: door.kind
        properties: {
          privateLinkServiceId: door.target
          groupIds: [door.kind]
        }
      }
    ]
  }
}]

resource names 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01' = [for (door, i) in doors: {
  parent: endpoints[i]
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: door.kind
        properties: { privateDnsZoneId: dnsZones[door.kind] }
      }
    ]
  }
}]
