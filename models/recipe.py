"""Recipe: one frozen description of a training run, with a safe slug and a digest. No torch here."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields

from models.task import in_order

CRITERIA = ("joint", "each", "last")


class RecipeError(ValueError):
    """A recipe that cannot be trained; the message names the field, the rule and what was found."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run, except the data.

    tasks: names of tasks learnt together (`models/task.py`), kept in one order, so that order cannot matter.
    seed: of weights, batches and everything random.
    encoder, sharing, optimiser, schedule, loss: names in their registries.
    width, gnn_layers, decoder_layers: size of the network (one width for encoder and decoder, as in the first grid).
    epochs: passes over the rows.  steps: where given, it sets the epochs: as many whole passes as give at least so
        many gradient steps. Equal steps for one task and for many keep a joint run from winning by training longer.
    batch_size: crystals per step.  learning_rate: the schedule's highest.  weight_decay: the optimiser's.
    largest_gradient: norm to which a longer gradient is shortened; None leaves it as it is.
    patience: where given, training ends after so many epochs without a better validation loss. Not under the schedule
        `onecycle`: its gains come at the end, when the rate falls, so a run cut short was never one cycle.
    transform: `catalog` learns logarithms where the catalog says so, `none` nowhere, `log` everywhere.
    limit: where given, at most so many labelled training rows per task, and a quarter of it for validation.
    balance: a name in its registry, how the losses of several tasks make one step.
    temperature: where given, an epoch draws as many rows as there are, a task with n labels as often as n^(1/T) says,
        so that at 1 each label counts alike and far above it each task. None: every row once.
    criterion: `joint` keeps the state that was best on validation for the mean over tasks, `each` one for every task.
        `last` keeps the last state, whatever validation says: then nothing of a run is chosen on the rows that its
        intervals are counted on. Not with patience.
    decoders: (task, layers, width) of decoders that differ from decoder_layers and width.
    starts: slugs of finished runs in the same folder whose encoders the scheme begins with; from the big to the small.
    start_rate: what the learning rate of weights that came from there is multiplied by; 0 leaves them as they came, a
        probe.
    options: (name, value) of what the scheme itself asks, where they differ from its own defaults.
    """

    tasks: tuple[str, ...]
    seed: int = 0
    encoder: str = "cgcnn"
    sharing: str = "single"
    width: int = 64
    gnn_layers: int = 3
    decoder_layers: int = 1
    epochs: int = 100
    steps: int | None = None
    batch_size: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    optimiser: str = "adamw"
    schedule: str = "onecycle"
    loss: str = "l1"
    largest_gradient: float | None = 1.0
    patience: int | None = None
    transform: str = "catalog"
    limit: int | None = None
    balance: str = "equal"
    temperature: float | None = None
    criterion: str = "joint"
    decoders: tuple[tuple[str, int, int], ...] = ()
    starts: tuple[str, ...] = ()
    start_rate: float = 1.0
    options: tuple[tuple[str, int | float | str], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "tasks", in_order(self.tasks))
        if not self.tasks:
            raise RecipeError("a recipe needs at least one task, found none")
        object.__setattr__(self, "decoders", tuple(sorted(map(tuple, self.decoders))))
        object.__setattr__(self, "options", tuple(sorted(map(tuple, self.options))))
        object.__setattr__(self, "starts", tuple(self.starts))
        if self.sharing == "single" and len(self.tasks) > 1:
            raise RecipeError(f"sharing 'single' learns one task, found {len(self.tasks)}: try sharing 'hard'")
        for field in ("width", "gnn_layers", "decoder_layers", "epochs", "batch_size", "steps", "limit", "patience"):
            found = getattr(self, field)
            if found is not None and found < 1:
                raise RecipeError(f"{field} must be 1 or more, found {found}")
        if self.largest_gradient is not None and self.largest_gradient <= 0:
            raise RecipeError(f"largest_gradient must be above 0, or None, found {self.largest_gradient:g}")
        if self.patience is not None and self.schedule == "onecycle":
            raise RecipeError(
                "patience must be None under the schedule 'onecycle', which gains at its end: try 'steps'"
            )
        if self.temperature is not None and self.temperature <= 0:
            raise RecipeError(f"temperature must be above 0, or None, found {self.temperature:g}")
        if self.criterion not in CRITERIA:
            raise RecipeError(f"criterion must be one of {', '.join(CRITERIA)}, found {self.criterion!r}")
        if self.criterion == "last" and self.patience is not None:
            raise RecipeError("criterion 'last' asks nothing of validation, so patience must be None")
        if self.start_rate < 0:
            raise RecipeError(f"start_rate must be 0 or more, found {self.start_rate:g}")
        for task, layers, width in self.decoders:
            if task not in self.tasks or layers < 1 or width < 1:
                raise RecipeError(f"decoders name a task of the recipe, layers and width, found {task, layers, width}")
        for field in ("decoders", "options"):
            names = [name for name, *_ in getattr(self, field)]
            if len(set(names)) < len(names):
                raise RecipeError(f"{field} must name each once, found {', '.join(names)}")

    @property
    def told(self) -> int:
        """Numbers told per task: the value, and under the loss `laplace` the logarithm of its scale."""
        return 2 if self.loss == "laplace" else 1

    @property
    def study(self) -> str:
        """What kind of run it is, for tables and books.

        `single` where one task is learnt alone, `joint` where several are under hard sharing, else the scheme's name;
        then the balance where it is not equal, and `finetuned` or `probe` where weights came from other runs.
        """
        plain = "single" if len(self.tasks) == 1 else "joint"
        words = [plain if self.sharing in ("single", "hard") else self.sharing]
        if self.balance != "equal":
            words.append(self.balance)
        if self.starts and self.sharing in ("single", "hard"):
            words.append("finetuned" if self.start_rate else "probe")
        return "-".join(words)

    @property
    def digest(self) -> str:
        """Eight hex digits of tasks and of all fields that are not as they stand by default.

        So a field added later, whose default means what was done before, leaves digests alone: what a ledger has
        finished stays finished. A default must never change.
        """
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        said = {field.name: told[field.name] for field in fields(self) if told[field.name] != field.default}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:8]

    @property
    def slug(self) -> str:
        """Name of the run, safe as file name and partition key: `single-band_gap-s0-1a2b3c4d`."""
        what = self.tasks[0] if len(self.tasks) == 1 else f"{len(self.tasks)}tasks"
        return f"{self.study}-{what}-s{self.seed}-{self.digest}"

    def to_json(self) -> str:
        """The recipe as JSON, keys sorted."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """The recipe that `to_json` wrote; RecipeError names fields that this version does not know."""
        found = json.loads(text)
        unknown = sorted(set(found) - {f.name for f in fields(cls)})
        if unknown:
            raise RecipeError(f"a recipe of another version: fields {unknown} are not known here")
        lists = {name: _tuples(value) for name, value in found.items() if isinstance(value, list)}
        return cls(**{**found, **lists})


def _tuples(value: list) -> tuple:
    """A list as JSON told it, as the tuples that it was."""
    return tuple(_tuples(v) if isinstance(v, list) else v for v in value)


# Fields of Recipe as CGCNN was published (txie-93/cgcnn, main.py). Ours all the same: graphs and masks, the normaliser
# fitted on training rows only, a read-out as wide as the encoder (there 128), the best state by validation loss.
ORIGINAL: dict[str, object] = {
    "width": 64, "gnn_layers": 3, "decoder_layers": 1, "epochs": 30, "batch_size": 256, "learning_rate": 0.01,
    "weight_decay": 0.0, "optimiser": "sgd", "schedule": "steps", "loss": "mse", "largest_gradient": None,
}  # fmt: skip
