"""The whole asset graph as a snapshot: who changes it sees what changed (`pytest --snapshot-update` writes it anew)."""


def _line(node) -> str:
    partitions = f" by {len(node.partitions_def.get_partition_keys())}" if node.partitions_def else ""
    above = " ".join(sorted(key.to_user_string() for key in node.parent_keys)) or "nothing"
    kinds = "+".join(sorted(node.kinds))
    return f"{node.group_name}: {node.key.to_user_string()}{partitions} ({kinds}; {node.metadata['code']}) <- {above}"


def test_the_asset_graph_is_what_it_was(graph, snapshot):
    assert sorted(map(_line, graph.asset_nodes)) == snapshot


def test_the_checks_are_what_they_were(graph, snapshot):
    assert sorted(f"{key.asset_key.to_user_string()}: {key.name}" for key in graph.asset_check_keys) == snapshot
