"""Let one worker speak and another one listen, and tell which of the two is at fault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from avatar_appliance.client import ServerError, describe
from avatar_appliance.client.endpoint import AnyEndpoint
from avatar_appliance.errors import AvatarError, DeadlineExceeded, WorkerUnavailable

from .errors import CanaryFailed
from .offer import Offer, common_offer, speaks
from .turn import hear, say

# What a healthy worker says that has something better to do.
_BUSY = frozenset({"worker-busy", "server-full", "worker-loading", "shutting-down"})


@dataclass(frozen=True, slots=True)
class CanaryWorker:
    """A worker that is up."""

    name: str
    endpoint: AnyEndpoint


@dataclass(frozen=True, slots=True)
class Miss:
    """What went wrong; `suspects` are workers, likeliest first. `text` holds nothing that was said or heard."""

    suspects: tuple[str, ...]
    code: str
    text: str


class NothingLearnt(Exception):
    """The workers have no language in common, or were busy: neither a success nor a miss."""


async def listen(
    house: Sequence[str],
    mouths: Sequence[CanaryWorker],
    ears: Sequence[CanaryWorker],
    *,
    timeout_s: float,
) -> Miss | None:
    """Try the best mouth with the first ear; None where all is well. Raises NothingLearnt.

    The best mouth is the first that speaks the house's first language: the one that people hear most.

    An error or a timeout names its worker. A sentence that was misunderstood does not: the others, which are used for
    nothing else, tell who of the two is wrong; without them both are suspects.
    """
    mouth, ear = await _best(house, mouths, timeout_s), ears[0]
    miss = await _try(house, mouth, ear, timeout_s)
    if miss is None or len(miss.suspects) == 1:
        return miss
    for other in mouths:
        if other is not mouth and await _well(house, other, ear, timeout_s):
            return Miss((mouth.name,), miss.code, miss.text)
    for other in ears[1:]:
        if await _well(house, mouth, other, timeout_s):
            return Miss((ear.name,), miss.code, miss.text)
    return miss


async def _best(house: Sequence[str], mouths: Sequence[CanaryWorker], timeout_s: float) -> CanaryWorker:
    for mouth in mouths if len(mouths) > 1 else ():
        try:
            if speaks(await describe(mouth.endpoint, timeout_s), house[0]):
                return mouth
        except (AvatarError, OSError, ValueError):
            return mouth  # one that cannot even say what it speaks is the one to look into
    return mouths[0]


async def _well(house: Sequence[str], mouth: CanaryWorker, ear: CanaryWorker, timeout_s: float) -> bool:
    try:
        return await _try(house, mouth, ear, timeout_s) is None
    except NothingLearnt:
        return False


async def _try(house: Sequence[str], mouth: CanaryWorker, ear: CanaryWorker, timeout_s: float) -> Miss | None:
    current = mouth
    try:
        spoken = await describe(mouth.endpoint, timeout_s)
        current = ear
        heard = await describe(ear.endpoint, timeout_s)
        offer: Offer | None = common_offer(house, spoken, heard)
        if offer is None:
            raise NothingLearnt
        current = mouth
        audio = await say(offer.phrase, mouth.endpoint, voice=offer.voice, streaming=False, timeout_s=timeout_s)
    except (AvatarError, OSError, ValueError) as error:
        return _miss((current.name,), error)
    try:
        await hear(offer.phrase, audio, ear.endpoint, timeout_s=timeout_s)
    except CanaryFailed as error:
        return Miss((ear.name, mouth.name), error.code, error.text)
    except (AvatarError, OSError, ValueError) as error:
        return _miss((ear.name,), error)
    return None


def _miss(suspects: tuple[str, ...], error: Exception) -> Miss:
    name = suspects[0]
    if isinstance(error, ServerError):
        if error.server_code in _BUSY:
            raise NothingLearnt from None
        return Miss(suspects, error.server_code or error.code, f"{name} answered the canary with an error")
    if isinstance(error, DeadlineExceeded):
        return Miss(suspects, error.code, f"{name} did not answer the canary in time")
    if isinstance(error, CanaryFailed):
        return Miss(suspects, error.code, error.text)
    code = error.code if isinstance(error, AvatarError) else WorkerUnavailable.code
    return Miss(suspects, code, f"{name} broke off in the middle of the canary's sentence")
