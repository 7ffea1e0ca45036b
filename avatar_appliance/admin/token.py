"""The owner's bearer token."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from avatar_appliance.bearer_token import BearerToken

TOKEN_FILE = "owner-token.sha256"  # noqa: S105 - the name of a file


class OwnerToken(BearerToken):
    """The key to the HTTP API: `admin.token`, else the one whose hash is in the state folder."""

    def __init__(self, state_dir: Path, configured: SecretStr | None = None) -> None:
        """Raise ConfigError for a configured token that is too short or that no header can carry."""
        super().__init__(state_dir / TOKEN_FILE, configured, setting="admin.token", renewal="avatar token --renew")
