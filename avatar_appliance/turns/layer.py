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
    """The joins of one step (uptake -> offer), and the groups of stages that compete for each other."""

    joined: dict[str, str]
    groups: tuple[frozenset[str], ...]

    def seal(self, leaving: Collection[str], sealed: Sealed) -> None:
        """Settle every group one of whose stages leaves, then forget those that leave."""
        for group in self.groups:
            if group.isdisjoint(leaving):
                continue
            pairs = {uptake: offer for uptake, offer in self.joined.items() if uptake in group}
            sealed.joined.update(pairs)
            sealed.contested |= group - pairs.keys() - set(pairs.values())
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
        else:
            pairs = _joined_wholes(whole_edges, open_offers, open_uptakes, rules)
            piece_edges = {owner: pieces[owner] for owner in lefts if owner in pieces}
            pairs |= _joined_pieces(piece_edges, open_offers, open_uptakes)
        joined.update(pairs.items() & sealed.held.items() if is_blind else pairs)
        if len(group) > rules.max_alike and not is_blind:
            _settle_old_pairs(whole_edges, open_uptakes, sealed, rules)
    return Layer(joined, tuple(groups))


def _settle_old_pairs(edges: _Edges, uptakes: dict[str, Uptake], sealed: Sealed, rules: JoinRules) -> None:
    """The same words again and again: settle what is certain and old, so that the work stays small.

    Each maximum matching has the certain pairs, so taking them out changes nothing for the others.
    """
    certain = certain_pairs(edges)
    newest = max(uptakes[owner].at for others in edges.values() for owner in others)
    old = {uptake: offer for uptake, offer in certain.items() if uptakes[uptake].at < newest - rules.window_s}
    sealed.joined.update(old)


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
    edges: _Edges, offers: dict[str, Offer], uptakes: dict[str, Uptake], rules: JoinRules
) -> dict[str, str]:
    prompt_edges = {
        owner: {other for other in others if may_follow(offers[owner], uptakes[other], rules.prompt_s)}
        for owner, others in edges.items()
    }
    proposed = set(certain_pairs(edges).items()) | set(certain_pairs(prompt_edges).items())
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
