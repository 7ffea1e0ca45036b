"""The speech-to-text server: any audio in, endpointing, workers, gate, script."""

from __future__ import annotations
