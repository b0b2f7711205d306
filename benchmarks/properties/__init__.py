"""The property tables measured: against the sources' own numbers (`cells`), and at a million materials (`million`)."""
