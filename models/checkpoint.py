"""Checkpoints: weights and reference crystals as safetensors; recipe, scaler, graphs, elements, figures, digest of the
rows and their split, and licences as text in the header.

Loading runs no code: the header is JSON, the rest is numbers.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lake.graphs.build import VERSION
from lake.licences import strictest
from models.far import PREFIX, Reference
from models.recipe import Recipe, RecipeError
from models.run import Run
from models.scale import Scaler

if TYPE_CHECKING:
    import torch
    from torch import nn

KIND = "crystal-lake checkpoint 1"


class CheckpointError(ValueError):
    """A file that is not a checkpoint of this program, or of other graphs; the message names file and reason."""


@dataclass(frozen=True)
class Checkpoint:
    """A header: everything but the numbers.

    elements: atomic numbers seen in training. Of any other element the network knows nothing.
    """

    path: Path
    recipe: Recipe
    scaler: Scaler
    graphs: str
    elements: tuple[int, ...]
    run: Run

    def network(self) -> nn.Module:
        """The trained network, in evaluation mode; CheckpointError where weights and recipe do not fit."""
        from models.network import device, trained

        net = trained(self.recipe)
        try:
            net.load_state_dict(self.weights())
        except RuntimeError as error:
            raise CheckpointError(f"{self.path}: weights do not fit the recipe: {error}") from error
        return net.to(device()).eval()

    def weights(self) -> dict[str, torch.Tensor]:
        """The network's weights by name."""
        from safetensors.torch import load_file

        return {name: tensor for name, tensor in load_file(self.path).items() if not name.startswith(PREFIX)}

    def reference(self) -> Reference | None:
        """By what the network tells that a crystal is far, or None where it was saved without."""
        from safetensors import safe_open

        with safe_open(self.path, framework="numpy") as file:
            names = [name for name in file.keys() if name.startswith(PREFIX)]  # noqa: SIM118 - it is no mapping
            return Reference.from_tensors({name: file.get_tensor(name) for name in names})


def save(
    run: Run,
    net: nn.Module,
    scaler: Scaler,
    graphs: str,
    elements: tuple[int, ...],
    reference: Reference | None = None,
) -> None:
    """Write the run's checkpoint, whole or not at all."""
    import json

    import torch
    from safetensors.torch import save_file

    header = {
        "kind": KIND,
        "recipe": run.recipe.to_json(),
        "scaler": scaler.to_json(),
        "graphs": graphs,
        "elements": " ".join(map(str, elements)),
        "run": run.figures(),
        "licences": json.dumps(run.licences),
        "terms": strictest(run.licences).name,
        "snapshot": run.snapshot,
    }
    run.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    unfinished = run.checkpoint.with_suffix(f".{os.getpid()}.part")
    tensors = {name: tensor.cpu().contiguous() for name, tensor in net.state_dict().items()}
    if reference:
        tensors |= {name: torch.from_numpy(array) for name, array in reference.tensors().items()}
    save_file(tensors, unfinished, header)
    unfinished.replace(run.checkpoint)


def read(path: Path, graphs: str = VERSION) -> Checkpoint:
    """The header of a checkpoint; CheckpointError where it is none, or was trained on graphs of another version."""
    import json

    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is not a readable checkpoint: {error}") from error
    if header.get("kind") != KIND:
        raise CheckpointError(f"{path} is not a {KIND}: its header says {header.get('kind')!r}")
    if header["graphs"] != graphs:
        raise CheckpointError(f"{path} was trained on graphs {header['graphs']}, the lake has {graphs}: train again")
    try:
        recipe, scaler = Recipe.from_json(header["recipe"]), Scaler.from_json(header["scaler"])
        licences = tuple(json.loads(header.get("licences", "[]")))  # one of before is under terms that nobody stated
        told = {"licences": licences, "snapshot": header.get("snapshot", ""), **json.loads(header["run"])}
        run = Run(recipe=recipe, checkpoint=Path(path), **told)
        elements = tuple(int(z) for z in header["elements"].split())
    except (KeyError, TypeError, ValueError, RecipeError) as error:
        raise CheckpointError(f"{path}: the header cannot be read: {error}") from error
    return Checkpoint(Path(path), recipe, scaler, header["graphs"], elements, run)
