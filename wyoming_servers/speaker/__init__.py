"""Who of the household is speaking: the servers' side of a speaker worker."""

from __future__ import annotations
