"""State: what a run under way must keep to go on exactly. Safetensors beside the checkpoint, no pickle.

The header names what the state belongs to (recipe, rows, graphs, torch); a state of anything else is not used.
The file is named `.state`, so that nobody who looks for checkpoints finds it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

KIND = "crystal-lake state 1"


@dataclass(frozen=True)
class State:
    """tensors: by name, any shape and type.  numbers: all else, as JSON can tell it (floats come back exactly)."""

    tensors: dict[str, torch.Tensor]
    numbers: dict[str, Any]

    def timed(self, seconds: float) -> State:
        """The same, with the seconds that the run took so far."""
        return replace(self, numbers={**self.numbers, "seconds": seconds})

    def part(self, name: str) -> dict[str, torch.Tensor]:
        """The tensors whose names begin with `name/`, under the rest of their names."""
        return {key.removeprefix(f"{name}/"): t for key, t in self.tensors.items() if key.startswith(f"{name}/")}


@dataclass(frozen=True)
class StateFile:
    """Where the state of one run is kept.  owner: what it belongs to: recipe, rows, graphs, torch."""

    path: Path
    owner: dict[str, str]

    def write(self, state: State) -> None:
        """Replace what is kept, wholly or not at all, whenever the process dies."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.path.with_suffix(f".{os.getpid()}.part")
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.tensors.items()}
        header = {"kind": KIND, "owner": self._owner, "numbers": json.dumps(state.numbers)}
        save_file(tensors, unfinished, header)
        unfinished.replace(self.path)

    def read(self) -> State | None:
        """The state that is kept; None where there is none, it is another's, or it cannot be read."""
        try:
            with safe_open(self.path, framework="pt") as file:
                header = file.metadata() or {}
                if (header.get("kind"), header.get("owner")) != (KIND, self._owner):
                    return None
                # copies, since arithmetic may depend on how memory is aligned
                tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
                return State(tensors, json.loads(header["numbers"]))
        except (SafetensorError, OSError, ValueError):
            return None

    def remove(self) -> None:
        """Forget: the run is done, and so are unfinished files of processes that died while they wrote."""
        for file in (self.path, *self.path.parent.glob(f"{self.path.stem}.*.part")):
            file.unlink(missing_ok=True)

    @property
    def _owner(self) -> str:
        return json.dumps(self.owner, sort_keys=True)
