"""`python -m avatar_appliance` is `avatar`."""

from __future__ import annotations

from avatar_appliance.cli.app import main

main()
