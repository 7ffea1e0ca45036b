"""The choice of the next speech token, as upstream's `ras_sampling` (commit ace7c47) makes it, with two differences.

- Upstream asks the GPU up to 25 times a token how likely the next candidate is; here it is asked once.
- It throws the dice that the vocoder in the other thread throws too, so that a seed fixed nothing with CosyVoice 2.
  Here the choice has dice of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any


class TokenSampler:
    """Draws from the likeliest tokens, and once more from all of them where the draw repeats what was said lately."""

    def __init__(self, torch: Any, device: Any) -> None:
        self._torch = torch
        self._dice = torch.Generator(device=device)
        self._dice.seed()

    def seed(self, number: int) -> None:
        """Make what follows repeatable."""
        self._dice.manual_seed(number)

    def __call__(
        self,
        weighted_scores: Any,
        decoded_tokens: Sequence[int],
        sampling: int,
        top_p: float = 0.8,
        top_k: int = 25,
        win_size: int = 10,
        tau_r: float = 0.1,
    ) -> int:
        """Return a token; parameters and their names are upstream's."""
        chances, tokens = weighted_scores.softmax(dim=0).sort(descending=True, stable=True)
        chances, tokens = chances[:top_k], tokens[:top_k]
        # A candidate counts as long as those before it have not reached top_p together; the first one always.
        likelier = self._torch.zeros_like(chances)
        likelier[1:] = chances.cumsum(dim=0)[:-1]
        token = self._draw(self._torch.where(likelier < top_p, chances, 0), tokens)
        if decoded_tokens[-win_size:].count(token) >= win_size * tau_r:
            weighted_scores[token] = -float("inf")
            token = self._draw(weighted_scores.softmax(dim=0))
        return token

    def _draw(self, chances: Any, tokens: Any = None) -> int:
        place = chances.multinomial(1, replacement=True, generator=self._dice)
        return int((place if tokens is None else tokens[place]).item())


def use_own_sampling(torch: Any, model: Any) -> TokenSampler | None:
    """Have a loaded model choose by a sampler of ours; None where its configuration asks for another way."""
    upstream = model.llm.sampling
    if not (isinstance(upstream, partial) and upstream.func.__name__ == "ras_sampling"):
        return None
    sampler = TokenSampler(torch, model.device)
    model.llm.sampling = partial(sampler, *upstream.args, **upstream.keywords)
    return sampler
