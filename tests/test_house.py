"""The house: four storeys, imports only downward, no room without a name."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STOREYS = ("lake", "models", "assets", "pipelines")
MODULES = sorted(path for storey in STOREYS for path in (ROOT / storey).rglob("*.py"))


def test_imports_run_only_downward():
    linted = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert linted.returncode == 0, linted.stdout + linted.stderr
    assert "0 broken" in linted.stdout


@pytest.mark.parametrize("module", MODULES, ids=[str(m.relative_to(ROOT)) for m in MODULES])
def test_every_module_opens_by_saying_what_belongs_there(module):
    words = ast.get_docstring(ast.parse(module.read_text()))
    assert words and len(words) > 25


def test_no_file_is_named_for_nothing():
    empty_names = {"utils", "util", "helpers", "common", "manager", "base", "misc"}
    assert not [m for m in MODULES if m.stem in empty_names]


@pytest.mark.parametrize("storey", STOREYS)
def test_heavy_libraries_are_not_imported_with_a_storey(storey):
    """Dagster imports every module in every process: torch and pymatgen may only come when a body runs."""
    modules = [str(m.relative_to(ROOT).with_suffix("")).replace("/", ".") for m in MODULES if m.parts[-2] == storey]
    modules = [m.removesuffix(".__init__") for m in modules if storey != "models"] or ["models.recipe", "models.study"]
    heavy = ("torch", "pymatgen", "mlflow")
    code = f"import sys\nfor m in {modules!r}: __import__(m)\nprint([h for h in {heavy!r} if h in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("[]"), done.stdout


def test_nothing_in_the_house_unpickles():
    for module in MODULES:
        source = module.read_text()
        for word in ("import pickle", "pickle.load", "torch.load", "joblib.load", "allow_pickle=True"):
            assert word not in source, f"{module.relative_to(ROOT)} has {word}"
