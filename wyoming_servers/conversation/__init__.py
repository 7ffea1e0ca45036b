"""The conversation server: one transcript in, one answer out, with memory."""

from __future__ import annotations
