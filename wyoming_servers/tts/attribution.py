"""Whose voices and programs the list's own entries are."""

from __future__ import annotations

from wyoming.info import Attribution

ATTRIBUTION = Attribution(name="AVATAR Appliance", url="")
