"""Studies of learning that take hours: a command each, resumed from the ledgers in docs/results."""
