"""What the profile doctor has to say: a code, how bad it is, and the figures it is about.

The words, in the owners' languages, are in `remark_texts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["refused", "warning", "note"]
Parameter = float | int | str


@dataclass(frozen=True, slots=True)
class Remark:
    """`refused`: no voice can be made of this; `warning`: it will sound worse; `note`: nothing to worry about."""

    code: str
    severity: Severity
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


def refused(code: str, **parameters: Parameter) -> Remark:
    """Return a remark that ends it."""
    return Remark(code, "refused", parameters)


def warning(code: str, **parameters: Parameter) -> Remark:
    """Return a remark that the owner should read."""
    return Remark(code, "warning", parameters)


def note(code: str, **parameters: Parameter) -> Remark:
    """Return a remark for who wants to know."""
    return Remark(code, "note", parameters)
