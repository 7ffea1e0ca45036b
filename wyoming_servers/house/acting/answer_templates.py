"""Answers from Home Assistant's own response templates."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from home_assistant_intents import get_intents, get_languages
from jinja2 import Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from wyoming_servers.house.entity import Entity, EntityState
from wyoming_servers.house.naming import name_in

from .intent_call import IntentCall
from .state_words import spoken_state

logger = logging.getLogger(__name__)

MAX_ANSWER_CHARS = 600


@dataclass(frozen=True, slots=True)
class StateView:
    """An entity's state as the templates see it."""

    entity_id: str
    domain: str
    name: str
    state: str
    state_with_unit: str
    attributes: Mapping[str, Any]

    @classmethod
    def of(cls, entity: Entity, state: EntityState, language: str) -> StateView:
        """Return the view of one entity, named as people of this language name it."""
        return cls(
            entity.entity_id,
            entity.domain,
            name_in(entity.names, language),
            state.value,
            spoken_state(entity, state, language),
            state.attributes,
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """What a template may speak of."""

    matched: Sequence[StateView] = ()
    unmatched: Sequence[StateView] = ()
    slots: Mapping[str, Any] = field(default_factory=dict)
    """Beside the call's own."""


def render_answer(call: IntentCall, facts: Facts) -> str | None:
    """Return the answer; None where the language has no template for it, or the template fails.

    Templates are the package's; names and states are values in them and are never taken for templates.
    """
    template = template_text(call.intent, call.response, call.language)
    if template is None:
        return None
    states = [*facts.matched, *facts.unmatched]
    values = {
        "slots": {**{name: slot.spoken for name, slot in call.slots.items()}, **facts.slots},
        "state": states[0] if states else None,
        "query": {"matched": list(facts.matched), "unmatched": list(facts.unmatched)},
        "state_attr": lambda entity_id, name: next(
            (view.attributes.get(name) for view in states if view.entity_id == entity_id), None
        ),
    }
    try:
        text = " ".join(_compiled(template).render(values).split())
    except (TemplateError, TypeError, ValueError, AttributeError) as error:
        logger.warning("answer of %s/%s (%s): %s", call.intent, call.response, call.language, type(error).__name__)
        return None
    return text[:MAX_ANSWER_CHARS]


def template_text(intent: str, response: str | None, language: str) -> str | None:
    """Return the package's template for an intent's answer, as Home Assistant would render it."""
    responses = _responses(language).get(intent, {})
    return responses.get(response or "default", responses.get("default"))


@lru_cache(maxsize=8)
def _responses(language: str) -> dict[str, dict[str, str]]:
    data = get_intents(language) if language in get_languages() else None
    intents: dict[str, dict[str, str]] = (data or {}).get("responses", {}).get("intents", {})
    return intents


@lru_cache(maxsize=256)
def _compiled(template: str) -> Template:
    return _environment().from_string(template)


@lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(autoescape=False)  # spoken text, not HTML
