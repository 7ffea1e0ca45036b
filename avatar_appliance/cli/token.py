"""`avatar token`: the keys to the HTTP API and to the OpenAI-compatible door."""

from __future__ import annotations

from typing import Annotated

import typer

from avatar_appliance.admin.token import OwnerToken
from avatar_appliance.bearer_token import BearerToken
from avatar_appliance.door_token import DoorToken

from .app import ConfigOption, app, err, out, settings_from


@app.command()
def token(
    renew: Annotated[
        bool, typer.Option("--renew", help="Make a new token; the old one stops working at once.")
    ] = False,
    openai: Annotated[
        bool, typer.Option("--openai", help="The key to the OpenAI-compatible door, not the owner's.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Say where a token is, or make a new one: the owner's, or the door's. It is shown once: only its hash is kept."""
    settings = settings_from(config)
    state_dir = settings.paths.state_dir
    key: BearerToken
    if openai:
        key, configured = DoorToken(state_dir, settings.conversation.openai_token), settings.conversation.openai_token
        setting, command = "conversation.openai_token", "avatar token --openai --renew"
    else:
        key, configured = OwnerToken(state_dir, settings.admin.token), settings.admin.token
        setting, command = "admin.token", "avatar token --renew"
    if configured is not None:
        err.print(f"The token is set by the configuration ({setting}); it is not kept here.")
        return
    if not renew and key.exists:
        err.print(f"A token exists and was shown when it was made. `{command}` replaces it.")
        return
    out.print(key.renew(), highlight=False, soft_wrap=True)
