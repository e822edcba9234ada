"""A deployment's container: model files fetched, the real MLflow model loaded, `POST /score` answered."""

from local.azureml.scorer.container import serve

__all__ = ["serve"]
