"""Recordings in every format people have, good ones and bad ones, made from one human recording."""

from __future__ import annotations

import io
import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import soxr
from numpy.typing import NDArray

Sound = NDArray[np.float32]

SPEECH = Path(__file__).parents[1] / "data" / "speech" / "en_jfk.wav"
SPOKEN = "And so, my fellow Americans, ask not what your country can do for you, ask what you can do for your country."
RATE_HZ = 44_100


def speech(rate_hz: int = RATE_HZ) -> Sound:
    """Eleven seconds of a man speaking, with a little air above what its 16 kHz hold, as a microphone would have."""
    with wave.open(str(SPEECH), "rb") as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
    high = np.asarray(soxr.resample(sound, 16_000, rate_hz), dtype=np.float32)
    if rate_hz <= 16_000:
        return high
    noise = np.random.default_rng(1).standard_normal(len(high)).astype(np.float32)
    return high + noise * np.float32(0.01) * np.abs(high)


def wav(sound: Sound, rate_hz: int = RATE_HZ) -> bytes:
    """The sound as 16-bit PCM WAV, mono, or one channel per row."""
    rows = np.atleast_2d(sound)
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setparams((len(rows), 2, rate_hz, 0, "NONE", ""))
        file.writeframes((np.clip(rows.T, -1, 1) * 32767).astype("<i2").tobytes())
    return made.getvalue()


def encoded(container: str, codec: str, sound: Sound | None = None, *, rate_hz: int = RATE_HZ) -> bytes:
    """The sound (default: the speech) in a container and codec of FFmpeg's names."""
    made = io.BytesIO()
    with av.open(made, "w", format=container) as output:
        _write_sound(output, _sound_stream(output, codec, rate_hz), speech() if sound is None else sound, rate_hz)
    return made.getvalue()


def film() -> bytes:
    """An MP4 with a moving picture beside the speech."""
    made = io.BytesIO()
    with av.open(made, "w", format="mp4") as output:
        sound = _sound_stream(output, "aac", RATE_HZ)
        picture = output.add_stream("mpeg4", rate=5)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        for shade in range(10):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), shade * 20, dtype=np.uint8), format="rgb24")
            output.mux(picture.encode(frame))
        output.mux(picture.encode(None))
        _write_sound(output, sound, speech(), RATE_HZ)
    return made.getvalue()


def with_header_of(data: bytes, claimed_bytes: int) -> bytes:
    """The WAV file with a header that claims `claimed_bytes` of sound."""
    at = data.index(b"data") + 4
    return data[:at] + claimed_bytes.to_bytes(4, "little") + data[at + 4 :]


def _sound_stream(output: av.container.OutputContainer, codec: str, rate_hz: int) -> Any:
    stream: Any = output.add_stream(codec, rate=rate_hz, options={"strict": "-2"})
    # FFmpeg's own Vorbis encoder knows no other layout.
    stream.codec_context.layout = "stereo" if codec == "vorbis" else "mono"
    return stream


def _write_sound(output: av.container.OutputContainer, stream: Any, sound: Sound, rate_hz: int) -> None:
    context = stream.codec_context
    resampler = av.AudioResampler(format=context.format, layout=context.layout, rate=rate_hz)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(np.atleast_2d(sound)), format="flt", layout="mono")
    frame.sample_rate = RATE_HZ
    queue, position = av.AudioFifo(), 0
    for piece in (*resampler.resample(frame), *resampler.resample(None)):
        piece.pts = None
        queue.write(piece)
    while queue.samples:
        frame = queue.read(context.frame_size or 1024, partial=True)
        frame.time_base = Fraction(1, rate_hz)
        frame.pts = position
        position += frame.samples
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))
