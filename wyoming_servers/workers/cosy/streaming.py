"""CosyVoice's streaming, without what upstream's `tts` (commit ace7c47) gets wrong.

- It doubles `token_hop_len` on the model itself and never resets it: from the third text on, the first sound waits for
  100 tokens (4 s of speech) instead of 25. Here the hop belongs to the request (upstream's pull request 1849 is open).
- It sleeps 100 ms between looks at the tokens; here they ring (pull request 1894).
- It waits for ever when its language model fails, and goes on computing when nobody listens any more.
- It empties the allocator's cache after each text, which stops everything else on the GPU.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from typing import Any

from wyoming_servers.workers.engine import StopFlag

from .token_inbox import Abandoned, TokenInbox

FIRST_HOP = 25
"""Tokens of the first piece, one second of speech: the chunk the models were trained with."""
_LONGEST_HOP = 4 * FIRST_HOP
_HOP_GROWTH = 2


def stream_speech(
    torch: Any,
    model: Any,
    voice: Mapping[str, Any],
    text: Any,
    thinker: Executor,
    stop: StopFlag,
    *,
    speed: float = 1.0,
) -> Iterator[Any]:
    """Yield pieces of speech, tensors of shape (1, samples) on the CPU.

    `voice` is an entry of `frontend.spk2info`, `text` its text tokens; the language model runs in `thinker`, which has
    one thread. With `speed` other than 1 there is one piece, at the end: the model can do no other.
    """
    request = str(uuid.uuid4())
    given_up = False
    inbox = TokenInbox(lambda: given_up or stop.is_set())
    with model.lock:
        model.tts_speech_token_dict[request] = inbox
        model.llm_end_dict[request] = False
        model.hift_cache_dict[request] = None

    def think() -> None:
        try:
            prompt = voice["prompt_text"], voice["llm_prompt_speech_token"], voice["llm_embedding"]
            model.llm_job(text, *prompt, request)
        finally:
            inbox.close()

    def sound(count: int, offset: int, **options: Any) -> Any:
        return model.token2wav(
            token=torch.tensor(inbox[:count]).unsqueeze(dim=0),
            prompt_token=voice["flow_prompt_speech_token"],
            prompt_feat=voice["prompt_speech_feat"],
            embedding=voice["flow_embedding"],
            token_offset=offset,
            uuid=request,
            **options,
        ).cpu()

    thinking = thinker.submit(think)
    try:
        offset = 0
        if speed == 1.0:
            # The first piece takes the tokens more that let all later ones begin at a whole chunk.
            hop, more = FIRST_HOP, -voice["flow_prompt_speech_token"].shape[1] % FIRST_HOP
            while inbox.wait_for(needed := offset + hop + more + model.flow.pre_lookahead_len):
                yield sound(needed, offset, stream=True, finalize=False)
                if stop.is_set():
                    return
                offset += hop + more
                hop, more = min(_LONGEST_HOP, hop * _HOP_GROWTH), 0
        else:
            inbox.wait_for(2**31)
        with suppress(Abandoned):
            thinking.result()
            if inbox:
                yield sound(len(inbox), offset, finalize=True, **({} if speed == 1.0 else {"speed": speed}))
    finally:
        given_up = True
        with suppress(BaseException):  # whatever it was has been raised above, or interests nobody
            thinking.result()
        with model.lock:
            for table in (model.tts_speech_token_dict, model.llm_end_dict, model.hift_cache_dict):
                table.pop(request, None)


def whole_chunks(voice: dict[str, Any], mel_per_token: int) -> dict[str, Any]:
    """Return `voice` with the recording, as the flow model hears it, cut to whole chunks at its start.

    Then the first piece need not be longer. The end stays: the speech goes on from there.
    """
    tokens, features = voice["flow_prompt_speech_token"], voice["prompt_speech_feat"]
    count = tokens.shape[1]
    surplus = count % FIRST_HOP if count > FIRST_HOP else 0
    tokens, features = tokens[:, surplus:], features[:, surplus * mel_per_token :]
    return {
        **voice,
        "flow_prompt_speech_token": tokens,
        "flow_prompt_speech_token_len": voice["flow_prompt_speech_token_len"] - surplus,
        "prompt_speech_feat": features,
        "prompt_speech_feat_len": voice["prompt_speech_feat_len"] - surplus * mel_per_token,
    }
