"""Models: results as tables, so that SQL sees them."""

from __future__ import annotations

from lake.contract import Column, Table
from lake.tables.columns import (
    ENTRY_ID,
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
