"""The data plane: Wyoming servers for ASR, TTS and conversation, and the workers behind them."""

from __future__ import annotations
