"""A Functions host for apps of the Python v2 programming model: `python -m local.functions`.

It loads `function_app.py` as the real worker does, builds trigger arguments with azure-functions' own
converters, and gives them the platform's semantics: routes and keys, the Event Grid webhook, queue leases and
poison queues, timers. It knows nothing about the app that it runs.
"""
