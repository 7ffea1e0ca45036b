"""One step of a turn (transcript -> thought, or thought -> speech): which uptake belongs to which offer.

The answer depends on the stages alone, not on the order in which their reports arrived: it is worked out anew from
all open stages each time, so a late report can also dissolve a join that turns out to be ambiguous.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from .clues import Offer, Uptake, may_follow, tile
from .matching import certain_pairs, components
from .rules import JoinRules
from .sealed import Sealed

_Edges = dict[str, set[str]]


@dataclass(frozen=True, slots=True)
class Layer:
    """The joins of one step (uptake -> offer), and the groups of stages that compete for each other.

    `certain` has both stages of each pair that is in every maximum matching: they can leave without changing anything
    for the others.
    """

    joined: dict[str, str]
    groups: tuple[frozenset[str], ...]
    certain: frozenset[str]

    def seal(self, leaving: Collection[str], sealed: Sealed) -> None:
        """Settle the groups of stages that leave, where their leaving would change anything, and forget them."""
        for group in self.groups:
            if self.certain.issuperset(group.intersection(leaving)):
                continue
            pairs = {uptake: offer for uptake, offer in self.joined.items() if uptake in group}
            sealed.joined.update(pairs)
            sealed.contested |= group - pairs.keys() - set(pairs.values())
        # One of a pair may leave alone (deleted by its owner): the other is not free for a new partner.
        parted = (pair for pair in self.joined.items() if (pair[0] in leaving) != (pair[1] in leaving))
        sealed.contested.update(stage_id for pair in parted for stage_id in pair)
        sealed.forget(leaving)

    def hold(self, mature: Collection[str], sealed: Sealed, blind_until: float) -> None:
        """Of what began before `blind_until`, keep only joins of `mature` stages, as evidence is about to leave."""
        sealed.held = {uptake: offer for uptake, offer in self.joined.items() if uptake in mature}
        sealed.blind_until = max(sealed.blind_until, blind_until)


def resolve(offers: Iterable[Offer], uptakes: Iterable[Uptake], sealed: Sealed, rules: JoinRules) -> Layer:
    """Join each uptake to its offer where the stages allow only one explanation.

    A whole text is joined if its pair is certain among all candidates, or among those that came promptly, and the
    two views do not contradict. Pieces of an answer are joined if they can be of one answer only and all fit it in
    order.
    """
    taken = set(sealed.joined.values())
    open_offers = {offer.owner: offer for offer in offers if offer.owner not in taken}
    open_uptakes = {uptake.owner: uptake for uptake in uptakes if uptake.owner not in sealed.joined}
    wholes = _whole_edges(open_offers.values(), open_uptakes.values(), rules)
    pieces = _piece_edges(open_offers, open_uptakes, wholes, rules)
    joined = dict(sealed.joined)
    certain = {*sealed.joined, *taken}
    groups = []
    for lefts, rights in components(wholes | pieces):
        group = frozenset(lefts | rights)
        groups.append(group)
        if len(group) > 2 * rules.max_alike or not sealed.contested.isdisjoint(group):
            continue
        is_blind = any(open_uptakes[owner].at < sealed.blind_until for owner in rights)
        whole_edges = {owner: wholes[owner] for owner in lefts if owner in wholes}
        if len(group) == 2 and whole_edges:
            pairs = dict(zip(rights, lefts, strict=True))
            certain |= group
        else:
            among_all = certain_pairs(whole_edges)
            certain.update(among_all.keys(), among_all.values())
            pairs = _joined_wholes(whole_edges, among_all, open_offers, open_uptakes, rules)
            piece_edges = {owner: pieces[owner] for owner in lefts if owner in pieces}
            pairs |= _joined_pieces(piece_edges, open_offers, open_uptakes)
            if len(group) > rules.max_alike and not is_blind:
                # The same words again and again: settle what is certain and old, so that the work stays small.
                newest = max(open_uptakes[owner].at for owner in rights)
                old = newest - rules.window_s
                both_views = pairs.items() & among_all.items()
                sealed.joined.update(pair for pair in both_views if open_uptakes[pair[0]].at < old)
        joined.update(pairs.items() & sealed.held.items() if is_blind else pairs)
    return Layer(joined, tuple(groups), frozenset(certain & {*joined, *joined.values()}))


def _whole_edges(offers: Iterable[Offer], uptakes: Iterable[Uptake], rules: JoinRules) -> _Edges:
    """Return the uptakes of each offer with the same words, for offers that have any."""
    by_text: dict[str, list[Uptake]] = defaultdict(list)
    for uptake in uptakes:
        by_text[uptake.text].append(uptake)
    edges: _Edges = {}
    for offer in offers:
        for text in offer.texts:
            for uptake in by_text.get(text, ()):
                if may_follow(offer, uptake, rules.window_s):
                    edges.setdefault(offer.owner, set()).add(uptake.owner)
    return edges


def _piece_edges(offers: dict[str, Offer], uptakes: dict[str, Uptake], wholes: _Edges, rules: JoinRules) -> _Edges:
    """Return the uptakes that may be a piece of each offer, leaving out all that match something as a whole."""
    matched = set().union(*wholes.values())
    left_over = [uptake for owner, uptake in uptakes.items() if owner not in matched]
    edges: _Edges = {}
    for owner, offer in offers.items():
        if owner in wholes:
            continue
        for uptake in left_over:
            if may_follow(offer, uptake, rules.window_s) and uptake.text in offer.whole:
                edges.setdefault(owner, set()).add(uptake.owner)
    return edges


def _joined_wholes(
    edges: _Edges,
    among_all: dict[str, str],
    offers: dict[str, Offer],
    uptakes: dict[str, Uptake],
    rules: JoinRules,
) -> dict[str, str]:
    prompt_edges = {
        owner: {other for other in others if may_follow(offers[owner], uptakes[other], rules.prompt_s)}
        for owner, others in edges.items()
    }
    proposed = set(among_all.items()) | set(certain_pairs(prompt_edges).items())
    return {
        uptake: offer
        for uptake, offer in proposed
        if not any((uptake == other_uptake) != (offer == other_offer) for other_uptake, other_offer in proposed)
    }


def _joined_pieces(edges: _Edges, offers: dict[str, Offer], uptakes: dict[str, Uptake]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for owner, others in edges.items():
        if any(not others.isdisjoint(rivals) for rival, rivals in edges.items() if rival != owner):
            continue
        in_order = sorted((uptakes[other] for other in others), key=lambda uptake: (uptake.at, uptake.owner))
        if tile(offers[owner].whole, [uptake.text for uptake in in_order]):
            joined.update(dict.fromkeys(others, owner))
    return joined
