"""The transfer map scored where the truth is known: planted tasks, a command each, resumed from its ledgers."""
