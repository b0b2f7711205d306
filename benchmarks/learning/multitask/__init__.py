"""From the big properties of a lake to thirteen published sets: multi-task recipes beside the published mixture.

    OMP_NUM_THREADS=1 python -m benchmarks.learning.multitask DIR --lake LAKE --data ../shared/data [--dry-run]

Encoders learn all dense properties of the lake together, then the small sets begin with them, alone or in company of
each other. Four stages, each of which goes on where it was stopped (`--stage` takes one alone):

pretrain  compares the sets' crystals with the lake's (DIR/overlap.parquet), and trains the encoders that are asked for:
          those of seed 0 under regime (c) first, of other seeds and regimes (`regimes.py`) once a choice needs them;
choose    tries candidates (`candidates.py`) on validation rows under regime (c), and writes each set's recipe to
          docs/results/multitask_chosen.csv;
look      trains that recipe on five splits with three seeds, first all under regime (c), then the others by seed,
          and scores the test rows once: every look is a line of docs/results/multitask_looks_<regime>.csv, also the
          look-up's (`lookup.py`);
report    writes the table of docs/multitask.md from these files.

Every training is a line of docs/results/multitask_pretraining.csv or multitask_validation.csv; checkpoints are in DIR.
"""
