"""From open stages to turns: links first, then transcript -> thought, then answer -> speech.

A transcript and a speech without a thought between them (Home Assistant's own agent answered) share no words, so
they stay separate: never a wrong join.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from .clues import Evidence, Thought
from .layer import Layer, resolve
from .rules import JoinRules
from .sealed import Memory


@dataclass(frozen=True, slots=True)
class Grouping:
    """Stage ids by turn, earliest stage first, and the decisions behind them."""

    turns: tuple[tuple[str, ...], ...]
    heard: Layer
    said: Layer

    def leave(self, stage_ids: Collection[str], memory: Memory) -> None:
        """Settle in `memory` what stages that leave were part of."""
        self.heard.seal(stage_ids, memory.heard)
        self.said.seal(stage_ids, memory.said)

    def is_certain(self, evidence: Iterable[Evidence]) -> bool:
        """Return whether these stages can leave without a trace: all they took up and gave on has found its place."""
        for clue in evidence:
            if clue.stage.link_id is not None:
                return False
            before, after = (self.heard, self.said) if clue.stage.kind == "think" else (self.said, self.heard)
            if clue.uptake is not None and clue.stage.id not in before.certain:
                return False
            if clue.offer is not None and clue.stage.id not in after.certain:
                return False
        return True

    def hold(self, mature: Collection[str], memory: Memory, blind_until: float) -> None:
        """Prepare for stages to leave that could still have been joined: a wrong join could look certain then."""
        self.heard.hold(mature, memory.heard, blind_until)
        self.said.hold(mature, memory.said, blind_until)


def group(evidence: Iterable[Evidence], memory: Memory, rules: JoinRules) -> Grouping:
    """Return which of the open stages make up which turn."""
    in_order = sorted(evidence, key=lambda clue: (clue.stage.started_at, clue.stage.id))
    linked_kinds = {(clue.stage.link_id, clue.stage.kind) for clue in in_order if clue.stage.link_id is not None}

    def is_free(clue: Evidence, kind: str) -> bool:
        """Whether its link does not name its `kind` of neighbour already."""
        return (clue.stage.link_id, kind) not in linked_kinds

    thoughts = _thoughts(in_order)
    transcripts = [clue for clue in in_order if clue.stage.kind == "transcribe" and is_free(clue, "think")]
    speeches = [clue for clue in in_order if clue.stage.kind == "speak" and is_free(clue, "think")]
    heard = resolve(
        (clue.offer for clue in transcripts if clue.offer is not None),
        (t.rounds[0].uptake for t in thoughts if t.rounds[0].uptake and is_free(t.rounds[0], "transcribe")),
        memory.heard,
        rules,
    )
    places = {clue.stage.id: clue.offer.place for clue in transcripts if clue.offer is not None}
    answers = (
        thought.offer(places.get(heard.joined.get(thought.owner, "")))
        for thought in thoughts
        if is_free(thought.rounds[0], "speak")
    )
    said = resolve(
        (answer for answer in answers if answer is not None),
        (clue.uptake for clue in speeches if clue.uptake is not None),
        memory.said,
        rules,
    )
    return Grouping(_turns(in_order, heard, said), heard, said)


def _thoughts(in_order: Iterable[Evidence]) -> list[Thought]:
    rounds: dict[tuple[str, bool], list[Evidence]] = defaultdict(list)
    for clue in in_order:
        if clue.stage.kind == "think":
            link_id = clue.stage.link_id
            rounds[(clue.stage.id, False) if link_id is None else (link_id, True)].append(clue)
    return [Thought(tuple(clues)) for clues in rounds.values()]


def _turns(in_order: Sequence[Evidence], heard: Layer, said: Layer) -> tuple[tuple[str, ...], ...]:
    """Put together what is joined or linked (union-find by relabelling; the sets are small)."""
    label = {clue.stage.id: clue.stage.id for clue in in_order}
    members = {stage_id: [stage_id] for stage_id in label}

    def unite(one: str, other: str) -> None:
        keep, drop = label[one], label[other]
        if keep != drop:
            for stage_id in members[drop]:
                label[stage_id] = keep
            members[keep] += members.pop(drop)

    first_of_link: dict[str, str] = {}
    for clue in in_order:
        if clue.stage.link_id is not None:
            unite(first_of_link.setdefault(clue.stage.link_id, clue.stage.id), clue.stage.id)
    for layer in (heard, said):
        for uptake, offer in layer.joined.items():
            if uptake in label and offer in label:
                unite(offer, uptake)
    turns: dict[str, list[str]] = {}
    for stage_id in label:  # in order of their start
        turns.setdefault(label[stage_id], []).append(stage_id)
    return tuple(tuple(ids) for ids in turns.values())
