"""Entry point of `avatar` and of `python -m avatar_appliance.cli`."""

from __future__ import annotations

from .app import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
