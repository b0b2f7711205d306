"""pipelines: WHEN, WHERE and WITH WHAT is it built? Definitions, jobs, schedules, resources, command line."""
