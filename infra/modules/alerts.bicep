// What a person must hear of, within a quarter of an hour: looking every five minutes costs three times as much.
// The texts are those of orchestrator/alarms.py; a test compares them.
param name string
param location string
param tags object
param insightsId string

@description('Mail addresses. None: the alerts show in the portal only.')
param emails array

var alarms = [
  {
    name: 'dead-letter'
    severity: 2
    about: 'Something was accepted and not understood: greenlight status lists it, greenlight replay tries it again.'
    query: 'traces | where message startswith "alarm, dead letter"'
  }
  {
    name: 'poison'
    severity: 2
    about: 'A queue message failed every time it was tried.'
    query: 'traces | where message startswith "alarm, poison message"'
  }
  {
    name: 'stuck'
    severity: 1
    about: 'A slot is woken again and again and nobody looks at it: greenlight explain says what it waits for.'
    query: 'traces | where message startswith "alarm, stuck"'
  }
  {
    name: 'vote-refused'
    severity: 2
    about: 'A vote was refused: of somebody who may not decide, or that proves nothing.'
    query: 'traces | where message startswith "alarm, vote refused"'
  }
]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: name
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'greenlight'
    enabled: true
    emailReceivers: [for email in emails: {
      name: email
      emailAddress: email
      useCommonAlertSchema: true
    }]
  }
}

resource silent 'Microsoft.Insights/scheduledQueryRules@2021-08-01' = {
  name: '${name}-silent'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Greenlight: the sweep is silent'
    description: 'No sweep succeeded for a quarter of an hour: nothing that waits is found again until one does.'
    severity: 1
    enabled: true
    scopes: [insightsId]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT15M'
    criteria: {
      allOf: [
        {
          query: 'requests | where name == "on_sweep" and success == true'
          timeAggregation: 'Count'
          operator: 'LessThan'
          threshold: 1
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: [people.id] }
    autoMitigate: true
  }
}

resource told 'Microsoft.Insights/scheduledQueryRules@2021-08-01' = [for alarm in alarms: {
  name: '${name}-${alarm.name}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Greenlight: ${alarm.name}'
    description: alarm.about
    severity: alarm.severity
    enabled: true
    scopes: [insightsId]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT15M'
    criteria: {
      allOf: [
        {
          query: alarm.query
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: [people.id] }
    autoMitigate: true
  }
}]
