"""Pages and tables from runs and studies. Nothing here runs a model."""
