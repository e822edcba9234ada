// The one system topic that a workspace may have. Its identity writes the dead letters.
param name string
param location string
param tags object
param workspace string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: name
  location: location
  tags: tags
  identity: { type: 'SystemAssigned' }
  properties: {
    source: workspace
    topicType: 'Microsoft.MachineLearningServices.Workspaces'
  }
}
