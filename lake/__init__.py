"""lake: WHAT do we know, and how is it kept? No torch, no dagster, no mlflow below this line."""
