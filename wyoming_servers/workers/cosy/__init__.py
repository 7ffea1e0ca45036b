"""CosyVoice 2 and 3: the parts of its worker. Only `imports` touches the package cosyvoice, and only when called."""

from __future__ import annotations
