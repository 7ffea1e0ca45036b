"""The data plane's side of the workers: connections, ladders, chat endpoints."""

from __future__ import annotations
