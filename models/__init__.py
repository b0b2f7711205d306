"""models: WHAT can be learned? torch lives here; dagster and mlflow do not."""
