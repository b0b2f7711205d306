"""assets: WHAT do we promise to produce? Dagster's nouns; every body is a call downstairs."""
