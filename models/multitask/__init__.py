"""Multitask: every way of sharing against training alone, on the same rows, at equal budget, paired by seed.

What is compared: plan.py. On which rows: ground.py. One piece of work: trial.py. All of it: full.py. What came out:
table.py and gains.py. Finished runs stand in `docs/results/multitask.csv`, and are never trained again.
"""
