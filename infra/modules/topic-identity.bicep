// Who the system topic is, new or reused. One that has no system-assigned identity gets it first, by hand:
// writing somebody else's topic from here would drop what they set on it.
param topicName string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

output principalId string = topic.identity.principalId
