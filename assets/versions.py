"""Versions: what makes an asset stale. Code versions come from the code downstairs, data versions from content.

Both are addresses, not counters: a comment changes no code version, writing equal rows again no data version.
"""

import ast
import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import polars as pl


def code_version(*modules: str, also: str = "") -> str:
    """Address of what these modules do: their source without comments, layout and docstrings.

    The modules are found but not imported, so that definitions load fast. A package stands for all its modules.
    """
    digest = hashlib.sha256(also.encode())
    for file in (file for module in modules for file in _files(module)):
        digest.update(_meaning(file))
    return digest.hexdigest()[:12]


def _files(module: str) -> list[Path]:
    spec = find_spec(module)
    if spec is None:
        raise ModuleNotFoundError(f"a code version needs the module's source, found no module {module}")
    return sorted(Path(spec.origin).parent.rglob("*.py")) if spec.submodule_search_locations else [Path(spec.origin)]


@cache
def _meaning(file: Path) -> bytes:
    tree = ast.parse(file.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return ast.dump(tree).encode()


def data_version(frame: pl.DataFrame) -> str:
    """Address of a frame's rows, whatever their order. Stable within one release of polars, which the project pins."""
    rows = frame.hash_rows(seed=0).sort().to_numpy().tobytes()
    return hashlib.sha256(repr(frame.columns).encode() + rows).hexdigest()[:16]
