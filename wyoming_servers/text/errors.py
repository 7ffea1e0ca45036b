"""Errors of the text layer."""

from __future__ import annotations

from avatar_appliance.errors import BadRequest


class PronunciationInvalid(BadRequest):
    """An entry of the household pronunciation dictionary cannot be used."""

    code = "pronunciation-invalid"
    default_hint = "Give every entry of the pronunciation dictionary a text to match that is not blank."
    http_status = 422
