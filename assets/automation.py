"""Automation: what follows by itself. A column made by hand in the UI reaches matrix and SQL without another click."""

import dagster as dg

Condition = dg.AutomationCondition

# Once for all that changed since, and not while a run is still changing more.
FOLLOWS = (
    Condition.any_deps_updated().since_last_handled() & ~Condition.any_deps_in_progress() & ~Condition.in_progress()
)
