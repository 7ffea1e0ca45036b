"""Certain pairs, compared with trying everything."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from avatar_appliance.turns.matching import certain_pairs, components

Edges = dict[str, set[int]]

graphs = st.dictionaries(st.sampled_from(["a", "b", "c", "d", "e"]), st.sets(st.integers(1, 5), max_size=5), max_size=5)


def by_trying_everything(edges: Edges) -> dict[int, str]:
    """Return what is in the intersection of all maximum matchings."""
    pairs = [(right, left) for left, rights in edges.items() for right in rights]
    for size in range(len(pairs), 0, -1):
        matchings = [
            set(chosen)
            for chosen in combinations(pairs, size)
            if len({right for right, _ in chosen}) == size == len({left for _, left in chosen})
        ]
        if matchings:
            return dict(set.intersection(*matchings))
    return {}


@given(st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.sets(st.integers(1, 4), max_size=4), max_size=4))
def test_certain_pairs_are_those_in_every_maximum_matching(edges: Edges) -> None:
    assert certain_pairs(edges) == by_trying_everything(edges)


@given(graphs)
def test_components_share_no_node_and_miss_none(edges: Edges) -> None:
    parts = components(edges)
    assert sorted(left for lefts, _ in parts for left in lefts) == sorted(edges)
    rights = [right for _, found in parts for right in found]
    assert sorted(rights) == sorted(set().union(*edges.values()))
    for lefts, found in parts:
        assert all(edges[left] <= found for left in lefts)


def test_a_chain_of_repetitions_is_certain() -> None:
    """Said, answered, said again, answered again: the first answer cannot be to the second sentence."""
    assert certain_pairs({"first": {1, 2}, "second": {2}}) == {1: "first", 2: "second"}


def test_two_alike_at_once_are_not() -> None:
    assert certain_pairs({"one": {1, 2}, "other": {1, 2}}) == {}
