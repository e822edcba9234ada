"""Event Grid on the laptop: `python -m local.eventgrid`.

Publishing, subscriptions with filters and the handshake, at-least-once delivery on the documented retry
schedule (time-scaled), dead letters in a blob container. What has been accepted is on disk before the answer,
so nothing is lost when this process is killed.
"""
