"""Models: results as tables, so that SQL sees them."""

from __future__ import annotations

from lake.contract import Column, Table
from lake.tables.columns import (
    ENTRY_ID,
    FLAG,
    FLOAT,
    FLOATS,
    FORMULA,
    INHERITED,
    INT,
    MATERIAL_ID,
    ORIGIN,
    PROPERTY,
    TEXT,
    TEXTS,
)

RUNS = Table(
    "runs", "models", "One row per trained model and property: recipe, seed, errors.",
    (
        Column("run", TEXT, "recipe slug, digest and seed"),
        Column("study", TEXT, "single or joint"),
        Column("property", TEXT, "property predicted"),
        Column("unit", TEXT, "unit of the errors"),
        Column("seed", INT, "random seed"),
        Column("recipe", TEXT, "the whole recipe, as JSON"),
        Column("n_train", INT, "labelled training rows"),
        Column("n_validation", INT, "labelled validation rows"),
        Column("n_test", INT, "labelled test rows"),
        Column("mae_validation", FLOAT, "mean absolute error on validation", nullable=True),
        Column("mae_test", FLOAT, "mean absolute error on test", nullable=True),
        Column("mae_mean_predictor", FLOAT, "test error of predicting the training mean", nullable=True),
        Column("epochs", INT, "epochs trained"),
        Column("seconds", FLOAT, "wall time of training", "second"),
        Column("checkpoint", TEXT, "safetensors file below models/"),
        INHERITED,
        Column("snapshot", TEXT, "the snapshot whose tables it learnt from, empty where none was taken"),
    ),
    key=("run", "property"),
    partition_by="study",
)  # fmt: skip

PREDICTIONS = Table(
    "predictions", "models", "What the models say, per entry and property.",
    (
        ENTRY_ID, MATERIAL_ID,
        Column("property", TEXT, "property predicted"),
        Column("value", FLOAT, "mean over the seeds"),
        Column("spread", FLOAT, "standard deviation over the seeds (not an error bar)"),
        Column("low", FLOAT, "begin of the 90 % interval, null where none is claimed (see calibration)", nullable=True),
        Column("high", FLOAT, "its end", nullable=True),
        Column("far", FLAG, "far from everything trained on, so that no interval is claimed; null where the models do "
               "not know", nullable=True),
        Column("unit", TEXT, "the catalog's unit"),
        ORIGIN,
        Column("split", TEXT, "train, validation or test: where the material stands"),
        Column("label", FLOAT, "the observation on this very entry, where there is one", nullable=True),
        Column("study", TEXT, "the models that said it"),
        INHERITED,
    ),
    key=("entry_id", "property", "study"),
    partition_by="study",
)  # fmt: skip

TRANSFER = Table(
    "transfer", "models", "Gain of training together over training alone, per property and seed.",
    (
        Column("property", TEXT, "target property"),
        Column("partners", TEXTS, "properties trained together with it"),
        Column("seed", INT, "random seed, the same in both runs"),
        Column("mae_single", FLOAT, "test error alone"),
        Column("mae_joint", FLOAT, "test error together"),
        Column("gain", FLOAT, "(single - joint) / single; negative is negative transfer"),
        INHERITED,
    ),
    key=("property", "seed"),
)  # fmt: skip

CANDIDATES = Table(
    "candidates", "models", "Insulators by thermal conductivity, with cost and supply: a cheap material like diamond?",
    (
        Column("rank", INT, "1 is best"),
        MATERIAL_ID, FORMULA,
        Column("space_group", TEXT, "Hermann-Mauguin symbol", nullable=True),
        Column("thermal_conductivity", FLOAT, "the value it is ranked by: AGL's Debye model at 300 K", "W/m/K"),
        Column("thermal_conductivity_origin", TEXT, "computed (AGL), or predicted from AGL labels"),
        Column("thermal_conductivity_measured", FLOAT, "experiment at 300 K, where known", "W/m/K", nullable=True),
        Column("band_gap", FLOAT, "the gap that makes it an insulator", "eV"),
        Column("band_gap_origin", TEXT, "measured, computed or predicted"),
        Column("cost", FLOAT, "element cost (pymatgen's table, dated and cited there)", "USD/kg", nullable=True),
        Column("abundance", FLOAT, "mass fraction of its scarcest element in the continental crust", "ppm",
               nullable=True),
        Column("hhi_production", FLOAT, "Herfindahl-Hirschman index of production, 0 to 10,000", nullable=True),
        Column("hazard", TEXT, "notes on hazardous elements, null where none is noted", nullable=True),
        Column("sources", TEXTS, "databases that tell it"),
        INHERITED,
    ),
    key=("material_id",),
)  # fmt: skip

GRID = Table(
    "grid", "models", "Which size of network suits a property? One row per property, mode, size and seed.",
    (
        Column("property", TEXT, "property predicted"),
        Column("mode", TEXT, "full: every size to its end; asha: the worse two thirds are stopped at each rung"),
        Column("gnn_layers", INT, "graph convolutions"),
        Column("decoder_layers", INT, "layers behind the mean over atoms"),
        Column("width", INT, "hidden units of both"),
        Column("seed", INT, "0 tries every size, the others tell the finalists apart"),
        Column("state", TEXT, "finished, or stopped at a rung"),
        Column("unit", TEXT, "unit of the errors"),
        Column("n_train", INT, "labelled training rows"),
        Column("n_validation", INT, "labelled validation rows"),
        Column("n_test", INT, "labelled test rows"),
        Column("mae_validation", FLOAT, "mean absolute error on validation: it chooses", nullable=True),
        Column("mae_test", FLOAT, "mean absolute error on test: it chooses nothing", nullable=True),
        Column("mae_mean_predictor", FLOAT, "test error of predicting the training mean", nullable=True),
        Column("rungs", FLOATS, "mode asha: validation loss, standardised, at each rung that it came to"),
        Column("epochs", INT, "epochs trained"),
        Column("seconds", FLOAT, "wall time of training", "second"),
        Column("graphs", TEXT, "version of the graphs"),
        Column("data", TEXT, "digest of the rows"),
        Column("recipe", TEXT, "the whole recipe, as JSON"),
        Column("snapshot", TEXT, "the snapshot whose tables it learnt from, empty where none was taken"),
        INHERITED,
    ),
    key=("property", "mode", "gnn_layers", "decoder_layers", "width", "seed"),
    partition_by="property",
)  # fmt: skip

CALIBRATION = Table(
    "calibration", "models", "The 90 % intervals of predictions: how they are set, and what they cover on test.",
    (
        Column("property", TEXT, "property predicted"),
        Column("study", TEXT, "the models that said it"),
        Column("models", TEXT, "digest of the models and of the rows that they learnt from"),
        Column("level", FLOAT, "share of new crystals that an interval is made to hold"),
        Column("n", INT, "calibration crystals: of the validation split, one per formula, not far"),
        Column("quantile", FLOAT, "an interval is the value -+ quantile * scale; null with too few crystals",
               nullable=True),
        Column("typical", FLOAT, "mean absolute error on calibration crystals (of logarithms, where they are learnt)"),
        Column("n_test", INT, "test crystals, one per formula, not far"),
        Column("coverage", FLOAT, "share of them inside their interval", nullable=True),
        Column("band_low", FLOAT, "begin of the binomial 99 % band about the level for so many", nullable=True),
        Column("band_high", FLOAT, "its end", nullable=True),
        Column("width", FLOAT, "median length of the intervals on test, in the property's unit", nullable=True),
        Column("far", FLOAT, "share of labelled test entries that are far from everything trained on", nullable=True),
        INHERITED,
    ),
    key=("property", "study"),
)  # fmt: skip

FEATURES = Table(
    "features", "models", "Vectors of structures that others made, as a frozen foundation model's.",
    (
        Column("model", TEXT, "name given at the import"),
        Column("structure_hash", TEXT, "content address of the structure"),
        Column("vector", FLOATS, "the structure's vector, equally long within a model"),
        Column("licence", TEXT, "of the vectors, as said at the import"),
    ),
    key=("model", "structure_hash"),
    partition_by="model",
)  # fmt: skip

UNIT_OF_ERRORS = Column("unit", TEXT, "unit of the errors")
MODEL = Column("model", TEXT, "a network, a baseline, or features:<name>")
MAE_OF_MEAN = Column("mae_mean_predictor", FLOAT, "the same error of predicting the training mean", nullable=True)

LEADERBOARD = Table(
    "leaderboard", "models", "Which model knows a property best: errors on the same rows, ranked by validation.",
    (
        PROPERTY, MODEL, UNIT_OF_ERRORS,
        Column("place", INT, "1 has the lowest validation error; test never ranks"),
        Column("seeds", INT, "random seeds averaged over"),
        Column("n_train", INT, "labelled training rows"),
        Column("n_validation", INT, "labelled validation rows"),
        Column("n_test", INT, "labelled test rows"),
        Column("mae_validation", FLOAT, "mean absolute error on validation, mean over seeds", nullable=True),
        Column("mae_test", FLOAT, "mean absolute error on test, mean over seeds", nullable=True),
        Column("mae_test_spread", FLOAT, "its standard deviation over seeds", nullable=True),
        MAE_OF_MEAN,
        Column("ratio", FLOAT, "test error over the mean predictor's; below 1 something was learnt", nullable=True),
        Column("fields", TEXT, "what decided the model, as JSON"),
        INHERITED,
    ),
    key=("property", "model"),
)  # fmt: skip

LEARNING_CURVES = Table(
    "learning_curves", "models", "Errors of models that learnt from a share of the training rows; one test set.",
    (
        PROPERTY, MODEL, UNIT_OF_ERRORS,
        Column("share", FLOAT, "of the labelled training rows; a smaller share is part of a larger"),
        Column("seed", INT, "random seed"),
        Column("n_train", INT, "labelled training rows"),
        Column("n_validation", INT, "labelled validation rows"),
        Column("n_test", INT, "labelled test rows"),
        Column("mae_validation", FLOAT, "mean absolute error on validation", nullable=True),
        Column("mae_test", FLOAT, "mean absolute error on test", nullable=True),
        INHERITED,
    ),
    key=("property", "model", "n_train", "seed"),
)  # fmt: skip

ERRORS_BY_GROUP = Table(
    "errors_by_group", "models", "Where models err: test errors by element, family, and training rows of the like.",
    (
        PROPERTY, MODEL, UNIT_OF_ERRORS,
        Column("grouping", TEXT, "element, family, number of elements, or training rows of its system or elements"),
        Column("member", TEXT, "the group: an element, a family, a number, a range"),
        Column("n", INT, "test rows; fewer than ten are not told"),
        Column("mae", FLOAT, "mean absolute error of the mean over seeds"),
        MAE_OF_MEAN,
        INHERITED,
    ),
    key=("property", "model", "grouping", "member"),
)  # fmt: skip

METHOD = Column("method", TEXT, "how tasks shared: single, hard, mmoe, adashare, vmtl, unit, experts")

MULTITASK = Table(
    "multitask", "models", "Ways of sharing against training alone at equal budget: a row per property and seed.",
    (
        METHOD, PROPERTY, UNIT_OF_ERRORS,
        Column("seed", INT, "random seed; methods are compared seed by seed"),
        Column("labels", INT, "training labels of the low-data property, 0 where all were learnt from"),
        Column("partners", TEXTS, "properties trained together with it"),
        Column("learning_rate", FLOAT, "chosen on validation by a seed of its own"),
        Column("steps", INT, "gradient steps, of every method alike; whole epochs, so a few more may be taken"),
        Column("batch_size", INT, "rows of a step"),
        Column("n_train", INT, "labelled training rows"),
        Column("n_validation", INT, "labelled validation rows"),
        Column("n_test", INT, "labelled test rows"),
        Column("mae_validation", FLOAT, "mean absolute error on validation: it chooses", nullable=True),
        Column("mae_test", FLOAT, "mean absolute error on test, looked at once", nullable=True),
        MAE_OF_MEAN,
        Column("gain", FLOAT, "log(error alone / error) on test, same seed; below 0 it hurt", nullable=True),
        Column("seconds", FLOAT, "wall time of the run", "second"),
        Column("seconds_beside", FLOAT, "wall time of what it took besides: a search, policies not kept", "second"),
        Column("recipe", TEXT, "the whole recipe, as JSON"),
        Column("data", TEXT, "digest of the rows"),
        Column("snapshot", TEXT, "the snapshot whose tables it learnt from, empty where none was taken"),
        INHERITED,
    ),
    key=("method", "property", "seed", "labels"),
    partition_by="method",
)  # fmt: skip

LEARNT_STRUCTURE = Table(
    "learnt_structure", "models", "What networks learnt about their tasks, as matrices: policies, mixing, gates.",
    (
        METHOD,
        Column("seed", INT, "random seed of the network"),
        Column("name", TEXT, "of the matrix: policy, mixing of features, gates"),
        Column("row", TEXT, "a task"),
        Column("column", TEXT, "a task, a layer or an expert"),
        Column("row_at", INT, "place of the row, from 0"),
        Column("column_at", INT, "place of the column, from 0"),
        Column("value", FLOAT, "the number, null where there is nothing to tell", nullable=True),
        Column("about", TEXT, "what the number means"),
        INHERITED,
    ),
    key=("method", "seed", "name", "row_at", "column_at"),
    partition_by="method",
)  # fmt: skip

STUDY = Column("study", TEXT, "lake, narrow (networks of width 4), or the name of a user's own table")
DATA = Column("data", TEXT, "digest of what the study's first seed learnt from")
SNAPSHOT = Column("snapshot", TEXT, "the snapshot whose tables it learnt from, empty where none was taken")

TRANSFER_MAP = Table(
    "transfer_map", "models", "Which property helps which: gains of pairs over training alone, and over placebo.",
    (
        STUDY,
        Column("target", TEXT, "the property that is to be learnt better"),
        Column("source", TEXT, "the property trained together with it"),
        Column("estimator", TEXT, "pairs: from runs of the two; sets: from sets of tasks, of which nothing is claimed"),
        Column("n", INT, "seeds, each with crystals, split and weights of its own; sets of tasks that have both"),
        Column("gain", FLOAT, "mean log(error alone / error together) on test; below 0 it hurt", nullable=True),
        Column("low", FLOAT, "begin of its 95 % interval", nullable=True),
        Column("high", FLOAT, "its end", nullable=True),
        Column("gain_placebo", FLOAT, "the same against the source with permuted labels: what is claimed"),
        Column("low_placebo", FLOAT, "begin of its 95 % interval", nullable=True),
        Column("high_placebo", FLOAT, "its end", nullable=True),
        Column("p", FLOAT, "two-sided, of no gain over placebo", nullable=True),
        Column("q", FLOAT, "p adjusted over all pairs (Benjamini-Hochberg)", nullable=True),
        Column("q_by", FLOAT, "the same for any dependence (Benjamini-Yekutieli)", nullable=True),
        Column("verdict", TEXT, "helps, hurts, no transfer (inside 2 %), unclear"),
        Column("kind", TEXT, "between families, within a family, read off the input, by definition"),
        Column("family_target", TEXT, "what quantity the target is"),
        Column("family_source", TEXT, "what quantity the source is"),
        Column("labels_target", INT, "its labels in the first seed's runs, all parts of the split"),
        Column("labels_source", INT, "the same of the source"),
        Column("shared_labels", INT, "training crystals of the first seed that have both"),
        Column("gain_knowing", FLOAT, "the raw gain where the source is known on test crystals, too", nullable=True),
        Column("claimed_n", INT, "seeds that the claim was made on; null where it was not tried again", nullable=True),
        Column("confirmed_n", INT, "fresh seeds it was tried on, measured on crystals not seen before", nullable=True),
        Column("confirmed_gain", FLOAT, "the gain over placebo there", nullable=True),
        Column("confirmed_low", FLOAT, "begin of its 95 % interval", nullable=True),
        Column("confirmed_high", FLOAT, "its end", nullable=True),
        Column("confirmed", FLAG, "whether the claim held (one-sided, at 5 %); null where not tried", nullable=True),
        Column("width", INT, "hidden units of the networks"),
        Column("steps", INT, "gradient steps of every run"),
        Column("graphs", TEXT, "version of the graphs"),
        Column("code", TEXT, "address of the code that made the map"),
        DATA, SNAPSHOT, INHERITED,
    ),
    key=("study", "target", "source"),
    partition_by="study",
)  # fmt: skip

GROUPS = Table(
    "groups", "models", "Which properties to train together, for all of them or for one, as the map estimates it.",
    (
        STUDY,
        Column("method", TEXT, "greedy, or exact (an integer programme)"),
        Column("target", TEXT, "the property that the group serves, empty where it is to serve all"),
        Column("group", INT, "number of the group, from 0"),
        Column("task", TEXT, "a property in it"),
        Column("gain", FLOAT, "predicted for it: the sum of its partners' gains over placebo, drawn towards 0"),
        Column("recipe", TEXT, "the group as a whole recipe, as JSON; of a user's own table tasks and size"),
        DATA, SNAPSHOT, INHERITED,
    ),
    key=("study", "method", "target", "group", "task"),
    partition_by="study",
)  # fmt: skip
