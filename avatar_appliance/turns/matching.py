"""Which pairs are certain? Pure graph theory over any hashable nodes.

Left nodes are stages that said something, right nodes stages that took something up, an edge is "may
belong together". A set of pairs in which nobody occurs twice is a matching; one with the most pairs is a
maximum matching. A pair that is in *every* maximum matching is certain, unless a stage was left without a
follower and, with the same words at the same time, another one came without a predecessor: then nothing
on the wire could tell.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from collections.abc import Set as AbstractSet
from typing import TypeVar

L = TypeVar("L", bound=Hashable)
R = TypeVar("R", bound=Hashable)


def components(edges: Mapping[L, AbstractSet[R]]) -> list[tuple[set[L], set[R]]]:
    """Return the connected parts of the graph as left and right nodes; a lone left node is a part too."""
    back: dict[R, set[L]] = {}
    for left, taken_up in edges.items():
        for right in taken_up:
            back.setdefault(right, set()).add(left)
    parts: list[tuple[set[L], set[R]]] = []
    seen: set[L] = set()
    for start, rights in edges.items():
        if start in seen:
            continue
        if len(rights) == 1 and len(back[next(iter(rights))]) == 1:
            parts.append(({start}, set(rights)))  # by far the most, so no search for these
            continue
        lefts, rights_found, waiting = {start}, set[R](), [start]
        while waiting:
            for right in edges[waiting.pop()]:
                rights_found.add(right)
                fresh = back[right] - lefts
                lefts |= fresh
                waiting.extend(fresh)
        seen |= lefts
        parts.append((lefts, rights_found))
    return parts


def certain_pairs(edges: Mapping[L, AbstractSet[R]]) -> dict[R, L]:
    """Return right -> left for the pairs that are in every maximum matching."""
    matching: dict[R, L] = {}
    for left in edges:
        _augment(left, edges, matching, set())
    certain: dict[R, L] = {}
    for right, left in matching.items():
        without = {node: rights - {right} if node == left else rights for node, rights in edges.items()}
        rest = {other_right: other for other_right, other in matching.items() if other_right != right}
        free = edges.keys() - set(rest.values())
        # If another pair can take its place, the matching is as large without it: not certain.
        if not any(_augment(node, without, dict(rest), set()) for node in free):
            certain[right] = left
    return certain


def _augment(left: L, edges: Mapping[L, AbstractSet[R]], matching: dict[R, L], seen: set[R]) -> bool:
    """Find `left` a partner, moving others if needed (Kuhn's algorithm); return whether it worked."""
    for right in edges[left]:
        if right in seen:
            continue
        seen.add(right)
        if right not in matching or _augment(matching[right], edges, matching, seen):
            matching[right] = left
            return True
    return False
