"""The bearer token of the OpenAI-compatible door."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from avatar_appliance.bearer_token import BearerToken

DOOR_TOKEN_FILE = "openai-token.sha256"  # noqa: S105 - the name of a file


class DoorToken(BearerToken):
    """The key to the door: `conversation.openai_token`, else the one whose hash is in the state folder.

    Until `avatar token --openai` has made one, nobody gets in.
    """

    def __init__(self, state_dir: Path, configured: SecretStr | None = None) -> None:
        """Raise ConfigError for a configured token that is too short or that no header can carry."""
        super().__init__(
            state_dir / DOOR_TOKEN_FILE,
            configured,
            setting="conversation.openai_token",
            renewal="avatar token --openai --renew",
        )
