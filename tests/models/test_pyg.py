"""Graphs for PyTorch Geometric: the lake's own neighbours, row by row, and its own words for what has no graph."""

from __future__ import annotations

import numpy as np
import pytest

from lake.answers import AnswerError
from lake.graphs.build import build
from lake.graphs.shards import MissingGraph
from lake.notebook import open_lake
from lake.store import Lake
from lake.tables import GRAPHS
from tests.known_lake import CRYSTALS, known_lake

pytest.importorskip("torch_geometric", reason="torch-geometric is not installed")

BULK = "select entry_id, volume, n_atoms from entries where kind = 'bulk' order by entry_id"


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    return open_lake(known_lake(tmp_path_factory.mktemp("pyg")).root)


def test_every_row_has_the_graph_of_its_crystal_in_the_rows_order(lake):
    from models.pyg import data_objects

    answer = lake.query(f"from ({BULK}) union all select 'mp:mp-66', 1, 1")
    made = data_objects(lake.lake, answer)
    assert [data.entry_id for data in made] == answer.entry_ids
    for data in made:
        crystal = CRYSTALS[data.entry_id]
        graph = build([crystal]).batch(np.array([0]))
        assert data.validate() and data.num_nodes == len(crystal)
        assert data.z.tolist() == data.x[:, 0].tolist() == crystal.numbers.tolist()
        assert data.edge_index[0].tolist() == graph.index.tolist()
        assert data.edge_index[1].bincount(minlength=len(crystal)).tolist() == np.diff(graph.starts).tolist()
        assert data.edge_attr[:, 0].tolist() == graph.distance.tolist()
        assert data.edge_weight.tolist() == graph.weight.tolist()
        assert data.is_sorted(sort_by_row=False)


def test_a_loader_makes_batches_of_them_with_a_target(lake):
    from torch_geometric.loader import DataLoader

    from models.pyg import data_objects

    answer = lake.query(
        "select m.representative as entry_id, p.bulk_modulus, p.reduced_formula "
        "from property_matrix p join materials m using (material_id) where policy = 'default' order by 1"
    )
    made = data_objects(lake.lake, answer, "bulk_modulus")
    (batch,) = DataLoader(made, batch_size=len(made))
    assert batch.num_graphs == len(answer) and batch.num_nodes == sum(data.num_nodes for data in made)
    assert batch.y.tolist() == answer.frame["bulk_modulus"].to_list()
    with pytest.raises(AnswerError, match="'reduced_formula' beside"):
        data_objects(lake.lake, answer, "reduced_formula")


def test_a_disordered_crystal_has_no_graph_and_says_why(lake):
    from models.pyg import data_objects

    with pytest.raises(AnswerError, match="cod:9000050, whose sites are shared"):
        data_objects(lake.lake, lake.query("select entry_id from entries"))


def test_a_lake_whose_graphs_were_not_built_says_so(lake, tmp_path):
    from models.pyg import data_objects

    answer = lake.query(BULK)
    bare = Lake(tmp_path)
    bare.replace(GRAPHS, GRAPHS.empty())
    with pytest.raises(MissingGraph, match="write the graphs first"):
        data_objects(bare, answer)
