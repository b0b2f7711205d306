"""A thousand faults between the crawlers and the mirror, and the proof that nothing was lost to them.

strikes.py: what goes wrong, and how it looks on the wire. storm.py: the proxy, and which request it strikes.
nights.py: what the databases tell night by night. trial.py: crawls in calm and in storm. sameness.py: two lakes
compared. `python -m benchmarks.faults` runs it, tests/lake/test_faults.py a tenth of it.
"""
