"""UniT: all tasks ask in one pass, none hears another, and crystals of any size are asked alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lake.graphs.build import build
from lake.graphs.folded import fold
from models.attention import TILE, Tiles, attend
from models.batch import Batch
from models.network import network, outputs
from models.recipe import Recipe, RecipeError
from models.sharing.scheme import Start
from tests.models._schemes import TASKS, recipe_of
from tests.models.test_encoder import CUT, larger

MANY = (*TASKS, "shear_modulus", "density", "formation_energy_per_atom")
GRAPHS = build(list(CUT.values()))
BATCH = Batch.of(GRAPHS.batch(np.arange(len(CUT))))


def sized(*atoms: int, times: torch.Tensor | None = None) -> Batch:
    """Crystals of so many atoms, without edges."""
    graph, nothing = torch.repeat_interleave(torch.tensor(atoms)), torch.zeros(0)
    starts = torch.zeros(len(graph) + 1, dtype=torch.int32)
    counts = torch.tensor(atoms, dtype=torch.float32)
    return Batch(graph + 1, graph, counts, starts, nothing.int(), nothing, nothing, times)


@pytest.mark.parametrize("each", [True, False])
def test_attention_is_a_softmax_over_each_crystals_atoms(each: bool) -> None:
    torch.manual_seed(0)
    atoms = (1, TILE - 1, TILE, TILE + 1, 3 * TILE + 5)
    keys, values = 9 * torch.randn(2, sum(atoms), 2, 4, dtype=torch.float64)
    queries = 9 * torch.randn(len(atoms) if each else 1, 2, 3, 4, dtype=torch.float64)
    found = attend(queries.float(), keys.float(), values.float(), Tiles(sized(*atoms)))
    for b, (k, v) in enumerate(zip(keys.split(atoms), values.split(atoms), strict=True)):
        scores = torch.einsum("hqc,nhc->hqn", queries[b if each else 0], k) / 2.0
        wanted = torch.einsum("hqn,nhc->hqc", scores.softmax(dim=2), v)
        torch.testing.assert_close(found[b].double(), wanted, atol=1e-3, rtol=1e-4)


def test_an_atom_that_stands_for_three_counts_three_times() -> None:
    torch.manual_seed(0)
    keys, values, queries = torch.randn(5, 2, 4), torch.randn(5, 2, 4), torch.randn(2, 2, 3, 4)
    times = torch.tensor([3, 1, 2, 2, 1])
    told = attend(queries, keys, values, Tiles(sized(2, 3, times=times.float())))
    whole = (rows.repeat_interleave(times, dim=0) for rows in (keys, values))
    torch.testing.assert_close(told, attend(queries, *whole, Tiles(sized(4, 5))))


@pytest.mark.parametrize("encoder", ["cgcnn", "matformer"])
@pytest.mark.parametrize("queries", [1, 3])
def test_how_a_crystal_is_written_changes_nothing(encoder: str, queries: int) -> None:
    net = network(recipe_of("unit", encoder=encoder, options=(("queries", queries), ("width", 12)))).train()
    for _ in range(5):
        net(BATCH)
    big = build([larger(crystal, (2, 1, 2)) for crystal in CUT.values()])
    wanted = outputs(net, GRAPHS, np.arange(len(CUT)))
    for graphs in (big, fold(big)):
        np.testing.assert_allclose(outputs(net, graphs, np.arange(len(CUT))), wanted, atol=1e-5)


@pytest.mark.parametrize("queries", [1, 3])
def test_one_task_alone_says_what_it_says_among_many(queries: int) -> None:
    options = (("queries", queries),)
    alone = network(recipe_of("unit", TASKS[:1], options=options)).eval()
    many = network(recipe_of("unit", MANY, options=options)).eval()
    at = many.recipe.tasks.index(TASKS[0])
    torch.testing.assert_close(many(BATCH)[:, at], alone(BATCH)[:, 0], atol=1e-6, rtol=0)


def test_a_task_teaches_no_queries_but_its_own() -> None:
    net = network(recipe_of("unit", MANY, options=(("queries", 2),))).train()
    net(BATCH)[:, 1].sum().backward()
    taught = [task for task in MANY if net.queries[task].grad is not None and net.queries[task].grad.any()]
    assert taught == [net.recipe.tasks[1]]


def test_what_is_shared_is_all_but_queries_and_read_outs() -> None:
    net = network(recipe_of("unit"))
    shared = {id(weight) for weight in net.shared()}
    own = {name.split(".")[0] for name, weight in net.named_parameters() if id(weight) not in shared}
    assert own == {"queries", "decoders"}


def test_it_can_begin_with_the_encoder_of_a_run_that_shared_otherwise() -> None:
    earlier = network(recipe_of("hard", seed=1))
    net = network(recipe_of("unit", starts=("earlier",), start_rate=0.0))
    net.begin([Start(earlier.recipe, earlier.state_dict())])
    assert all(torch.equal(p, q) for p, q in zip(net.carried(), earlier.encoder.parameters(), strict=True))
    learning = {id(weight) for group in net.groups() for weight in group.parameters}
    assert learning == {id(w) for name, w in net.named_parameters() if not name.startswith("encoder.")}


def test_tasks_that_ask_the_same_are_shown_alike() -> None:
    net = network(recipe_of("unit", MANY))
    with torch.no_grad():
        net.queries[MANY[1]].copy_(2 * net.queries[MANY[0]])
    (shown,) = net.structures()
    assert shown.rows == shown.columns == net.recipe.tasks
    assert np.isnan(np.diag(shown.values)).all()
    assert shown.values[*(net.recipe.tasks.index(task) for task in MANY[:2])] == pytest.approx(1.0)
    assert network(recipe_of("unit", TASKS[:1])).structures() == []


@pytest.mark.parametrize("option", [("queries", 0), ("layers", 0), ("heads", 3), ("width", 10)])
def test_a_decoder_that_cannot_be_built_is_refused(option: tuple[str, int]) -> None:
    with pytest.raises(RecipeError, match="must be"):
        network(replace(Recipe(TASKS, sharing="unit", width=8), options=(option,)))
