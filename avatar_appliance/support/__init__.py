"""`avatar support-bundle`: what a bug report needs, without anything private."""

from __future__ import annotations

from .bundle import collect, write_bundle
from .part import Part

__all__ = ["Part", "collect", "write_bundle"]
