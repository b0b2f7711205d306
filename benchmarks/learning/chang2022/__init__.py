"""Fifteen published sets, five fixed splits each: a single-task CGCNN of ours beside the published one.

    OMP_NUM_THREADS=1 python -m benchmarks.learning.chang2022 DIR --data ../shared/data [--dry-run] [--processes N]

Four stages, each of which goes on where it was stopped (`--stage` takes one alone):

choose   trains candidates without the test rows and writes each set's recipe to docs/results/chang2022_chosen.csv;
look     trains that recipe on five splits with three seeds, and scores the test rows once: every look is a line of
         docs/results/chang2022_looks.csv;
grouped  the same recipe on five splits of our own, no formula in two parts: docs/results/chang2022_grouped.csv;
report   writes the table of docs/published.md from these files.

Every training is a line of docs/results/chang2022_validation.csv; checkpoints are in DIR.
"""
