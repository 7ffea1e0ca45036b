"""The step of CosyVoice's language model, recorded once as a CUDA graph and replayed for every token.

Upstream launches each of some six hundred small kernels from Python, for each of the 25 tokens of a second, while the
other thread makes sound in the same interpreter; and it works out how likely 151,936 words of text are that nobody asks
for. Recorded, the first sound came after 0.56 s instead of 0.87 on an H200 and no player ran dry (docs/benchmarks.md).
"""

from __future__ import annotations

from typing import Any

MOST_TOKENS = 1024
"""Recording, text and speech together, 25 a second: 25 s of speech after a recording of 15 s. What goes on beyond it is
finished upstream's way; more of them make every step slower."""
_WARM_UPS = 3


class RecordedStep:
    """Takes the place of `forward_one_step` of a `Qwen2Encoder`; for one text at a time."""

    def __init__(self, torch: Any, encoder: Any, most_tokens: int = MOST_TOKENS) -> None:
        """Take memory for what the model remembers of `most_tokens`; 24 KiB each in single precision."""
        from transformers.cache_utils import DynamicCache, StaticCache

        self._torch = torch
        self._model = encoder.model.model
        self._upstream = encoder.forward_one_step
        self._most = most_tokens
        self._seen = 0
        self._growing: Any = DynamicCache
        self._graph: Any = None
        weight = next(self._model.parameters())
        self._device = weight.device
        kind = {"device": weight.device, "dtype": weight.dtype}
        with torch.inference_mode():
            self._cache = StaticCache(self._model.config, max_batch_size=1, max_cache_len=most_tokens, **kind)
            self._heard = torch.zeros(1, 1, self._model.config.hidden_size, **kind)
            self._place = torch.zeros(1, device=weight.device, dtype=torch.long)
            self._thought: Any = None

    def record(self) -> None:
        """Record the graph; before any other thread uses the GPU."""
        cuda = self._torch.cuda
        with self._torch.inference_mode():
            aside = cuda.Stream()
            aside.wait_stream(cuda.current_stream())
            with cuda.stream(aside):  # what is made at the first run of a kernel cannot be made while recording
                for _ in range(_WARM_UPS):
                    self._think(self._heard, self._place)
            cuda.current_stream().wait_stream(aside)
            graph = cuda.CUDAGraph()
            with cuda.graph(graph):
                self._thought = self._think(self._heard, self._place)
        self._graph = graph

    def forward_one_step(self, xs: Any, masks: Any, cache: Any = None) -> tuple[Any, Any]:
        """Return the thoughts on `xs`, valid until the next step, and what to pass as `cache` with that one."""
        count = xs.shape[1]
        if cache is None:
            self._seen = 0
        elif cache is not self._cache:
            return self._beyond(xs, masks, cache)
        if self._seen + count > self._most:
            return self._beyond(xs, masks, self._grown() if self._seen else None)
        if count == 1 and self._graph is not None:
            self._heard.copy_(xs)
            self._place.fill_(self._seen)
            self._graph.replay()
            thought = self._thought
        else:
            thought = self._think(xs, self._torch.arange(self._seen, self._seen + count, device=self._device))
        self._seen += count
        return thought, self._cache

    def _think(self, xs: Any, places: Any) -> Any:
        return self._model(
            inputs_embeds=xs, past_key_values=self._cache, cache_position=places, use_cache=True, return_dict=True
        ).last_hidden_state

    def _beyond(self, xs: Any, masks: Any, cache: Any) -> tuple[Any, Any]:
        thought, grown = self._upstream(xs, masks, cache)
        return thought, grown  # no longer ours: the next step comes here again

    def _grown(self) -> Any:
        known = zip(self._cache.key_cache, self._cache.value_cache, strict=True)
        return self._growing.from_legacy_cache(
            tuple((keys[:, :, : self._seen].clone(), values[:, :, : self._seen].clone()) for keys, values in known)
        )


def use_recorded_step(torch: Any, model: Any) -> None:
    """Have a model that was loaded onto a GPU think by a recorded step."""
    encoder = model.llm.llm
    step = RecordedStep(torch, encoder)
    step.record()
    encoder.forward_one_step = step.forward_one_step
