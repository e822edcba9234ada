"""The sample: who survived the Titanic, trained in Azure ML pipelines and promoted by Greenlight."""
