"""`avatar token`: the owner's key to the HTTP API."""

from __future__ import annotations

from typing import Annotated

import typer

from avatar_appliance.admin.token import OwnerToken

from .app import ConfigOption, app, err, out, settings_from


@app.command()
def token(
    renew: Annotated[
        bool, typer.Option("--renew", help="Make a new token; the old one stops working at once.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Say where the owner's token is, or make a new one. A token is shown once: only its hash is kept."""
    settings = settings_from(config)
    owner = OwnerToken(settings.paths.state_dir, settings.admin.token)
    if settings.admin.token is not None:
        err.print("The token is set by the configuration (admin.token); it is not kept here.")
        return
    if not renew and owner.exists:
        err.print("A token exists and was shown when it was made. `avatar token --renew` replaces it.")
        return
    out.print(owner.renew(), highlight=False, soft_wrap=True)
