"""The doctor: everything a stranger would check first, with the fix beside each finding."""

from __future__ import annotations

from .checks import examine
from .finding import Finding, Severity

__all__ = ["Finding", "Severity", "examine"]
