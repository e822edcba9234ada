"""A process that imports the heavy libraries once and forks children in milliseconds.

Scorers, job components and MLflow servers all need mlflow, pandas and scikit-learn: two seconds of imports
each, in a cloud that starts dozens of them on two cores. `client.py` is the other side of its socket.
"""
