"""Speaker embeddings: the parts of their worker. No torch: numpy does it in less memory than torch takes to load."""

from __future__ import annotations
