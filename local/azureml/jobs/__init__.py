"""Jobs that really run: pipelines of command components as processes, with their inputs, outputs and runs.

`plan.py` reads what was submitted, `runner.py` executes it, `files.py` and `runs.py` speak to storage and to
MLflow. The ARM emulator submits, and hears of every change through `JobUpdate`.
"""

from local.azureml.jobs.places import Lookups
from local.azureml.jobs.runner import Jobs
from local.azureml.jobs.update import JobUpdate

__all__ = ["JobUpdate", "Jobs", "Lookups"]
