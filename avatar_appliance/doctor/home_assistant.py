"""Does the configured Home Assistant answer, and does it take the token?"""

from __future__ import annotations

import httpx

from avatar_appliance.config import Settings

from .finding import Finding, Severity

_TIMEOUT_S = 5.0


async def home_assistant(settings: Settings) -> Finding:
    """Ask its API for its greeting; `home_assistant.url` is given. Nothing is changed there."""
    house = settings.home_assistant
    url = f"{str(house.url).rstrip('/')}/api/"
    token = house.token.get_secret_value() if house.token else None
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        async with httpx.AsyncClient(verify=house.verify_tls, timeout=_TIMEOUT_S, trust_env=False) as client:
            answer = await client.get(url, headers=headers)
    except httpx.HTTPError as error:
        text = f"{house.url} does not answer ({type(error).__name__})"
        fix = "Check `home_assistant.url`, and that this machine reaches it: `curl -I` the address."
        return Finding("home assistant", Severity.PROBLEM, text, fix)
    if answer.status_code == httpx.codes.OK:
        return Finding("home assistant", Severity.FINE, f"{house.url} takes the token")
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        if token is None:
            text = f"{house.url} answers; without a token commands are handed back as intents"
            return Finding("home assistant", Severity.FINE, text)
        fix = "Make a new long-lived token (Home Assistant: profile, security) and set `home_assistant.token`."
        return Finding("home assistant", Severity.PROBLEM, f"{house.url} does not accept the token", fix)
    text = f"{house.url} answers with status {answer.status_code}: is it Home Assistant?"
    return Finding("home assistant", Severity.PROBLEM, text, "Check `home_assistant.url`.")
