"""Worlds: where problems come from: a lake's columns, a table of one's own, permuted labels; and a seed's draw."""
