"""From noise to a spectrogram: the steps of F5-TTS, as the package takes them or replayed from a CUDA graph.

A step launches 1,320 pieces of GPU work, most of them tiny: on a fast GPU launching them takes four times as long as
doing them (a clause of 2.5 s with 7 steps: 288 ms against 47, measured). A CUDA graph launches all of it at once, but
only for the length it was recorded with. So a few lengths are recorded, and a request runs in the next longer one, with
everything behind its own end masked out; that changes nothing within (a test compares with the package's own steps).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from .model import MEL_CHANNELS, F5Model
from .reference import Reference

_LOGGER = logging.getLogger(__name__)

_SWAY = -1.0
_NO_GUIDANCE = 1e-5
_WARM_UP_RUNS = 3


class Sampler:
    """Makes spectrograms; call it from one thread only (the package keeps its text embedding per thread)."""

    def __init__(self, model: F5Model, *, nfe_steps: int, cfg_strength: float) -> None:
        self._model = model
        self._nfe_steps = nfe_steps
        self._cfg_strength = cfg_strength
        self._steps: list[PaddedStep] = []

    def record(self, lengths: Sequence[int], *, graphs: bool = True) -> None:
        """Record a CUDA graph for each length; what cannot be recorded runs without. `graphs` off: for tests."""
        pool = None
        for frames in sorted(lengths):
            try:
                step = PaddedStep(self._model, frames, self._cfg_strength, graph=graphs, pool=pool)
            except RuntimeError as error:
                _LOGGER.warning("no CUDA graph for %d frames and above: %s", frames, str(error).splitlines()[0][:200])
                return
            pool = pool or step.pool
            self._steps.append(step)

    @property
    def recorded_frames(self) -> list[int]:
        """The lengths there is a graph for."""
        return [step.frames for step in self._steps]

    def sample(self, reference: Reference, tokens: list[str], frames: int, seed: int | None) -> Any:
        """Return the spectrogram of the `frames` behind the recording: shape (1, frames, 100), single precision."""
        model, torch = self._model, self._model.package.torch
        text = model.package.list_str_to_idx([tokens], model.vocabulary).to(model.device)
        # The package wants room for a token per frame at least.
        total = max(reference.frames + frames, text.shape[1] + 1)
        with torch.inference_mode():
            step = next((step for step in self._steps if step.frames >= total), None)
            if step is None:
                mel, _ = model.cfm.sample(
                    cond=reference.mel,
                    text=text,
                    duration=total,
                    steps=self._nfe_steps,
                    cfg_strength=self._cfg_strength,
                    sway_sampling_coef=_SWAY,
                    seed=seed,
                )
            else:
                if seed is not None:
                    torch.manual_seed(seed)
                mel = step.run(reference.mel, text, total, self._times())
            return mel[:, reference.frames : reference.frames + frames].float()

    def _times(self) -> Any:
        """Return the points in time of the steps, as `CFM.sample` chooses them."""
        model, torch = self._model, self._model.package.torch
        times = model.package.get_epss_timesteps(self._nfe_steps, device=model.device, dtype=model.dtype)
        return times + _SWAY * (torch.cos(torch.pi / 2 * times) - 1 + times)


class PaddedStep:
    """One Euler step for requests of up to `frames` frames, as a CUDA graph or (for tests) run as it is."""

    def __init__(self, model: F5Model, frames: int, cfg_strength: float, *, graph: bool, pool: Any = None) -> None:
        torch = model.package.torch
        self.frames = frames
        self.pool: Any = None
        """Memory that the graphs of one model can share, since they never run at the same time."""
        self._model = model
        self._cfg_strength = cfg_strength
        self._transformer = model.cfm.transformer
        for block in self._transformer.transformer_blocks:
            block.attn.processor.attn_mask_enabled = True  # without a mask, as in CFM.sample, it changes nothing

        def buffer(*shape: int, dtype: Any = model.dtype) -> Any:
            return torch.zeros(*shape, dtype=dtype, device=model.device)

        text_dim = self._transformer.text_embed.text_embed.embedding_dim
        self._x = buffer(1, frames, MEL_CHANNELS)
        self._cond = buffer(1, frames, MEL_CHANNELS)
        self._text = buffer(1, frames, text_dim)
        self._no_text = buffer(1, frames, text_dim)
        self._mask = buffer(1, frames, dtype=torch.bool)
        self._time, self._delta = buffer(1), buffer(1)
        self._tokens = buffer(1, 1, dtype=torch.long)  # their embedding is given: never looked at
        self._mask[:, :1] = True  # something must be there to attend to while it is recorded
        self._graph = self._record(pool) if graph else None

    def run(self, cond: Any, text: Any, total: int, times: Any) -> Any:
        """Take all steps of one request; return its spectrogram, of `total` frames."""
        torch, embed = self._model.package.torch, self._transformer.text_embed
        for target, source in (
            (self._text, embed(text, seq_len=total, drop_text=False)),
            (self._no_text, embed(text, seq_len=total, drop_text=True)),
            (self._cond, cond),
            # The same numbers CFM.sample would draw.
            (self._x, torch.randn(total, MEL_CHANNELS, device=self._model.device, dtype=self._model.dtype)[None]),
        ):
            target.zero_()
            target[:, : source.shape[1]] = source
        self._mask[:] = torch.arange(self.frames, device=self._model.device) < total
        for index in range(len(times) - 1):
            self._time.copy_(times[index])
            self._delta.copy_(times[index + 1] - times[index])
            if self._graph is None:
                self._step()
            else:
                self._graph.replay()
        self._transformer.clear_cache()
        return self._x[:, :total].clone()

    def _step(self) -> None:
        transformer, guided = self._transformer, self._cfg_strength >= _NO_GUIDANCE
        transformer.text_cond, transformer.text_uncond = self._text, self._no_text
        flow = transformer(
            x=self._x,
            cond=self._cond,
            text=self._tokens,
            time=self._time,
            mask=self._mask,
            cfg_infer=guided,
            cache=True,
        )
        if guided:
            with_voice, without = flow.chunk(2, dim=0)
            flow = with_voice + (with_voice - without) * self._cfg_strength
        self._x.add_(flow * self._delta)

    def _record(self, pool: Any) -> Any:
        torch = self._model.package.torch
        with torch.inference_mode():
            stream = torch.cuda.Stream()
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):  # cuBLAS and the like take their memory in the first runs
                for _ in range(_WARM_UP_RUNS):
                    self._step()
            torch.cuda.current_stream().wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=pool):
                self._step()
            self.pool = graph.pool()
        self._transformer.clear_cache()
        return graph
