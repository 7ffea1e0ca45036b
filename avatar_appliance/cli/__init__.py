"""The command line `avatar`: thin commands over the parts that do the work."""

from __future__ import annotations
