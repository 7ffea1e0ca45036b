"""From a file in any of the formats people have to samples: by content, never by name."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

import av
import numpy as np
from av.stream import Disposition
from numpy.typing import NDArray

from avatar_appliance.voices.remark import Remark, refused

from .bounds import MAX_CHANNELS, MAX_SOURCE_RATE_HZ

Samples = NDArray[np.float32]

FORMATS = "WAV, MP3, FLAC, M4A, Ogg, WebM"
# Demuxers by name, so that libavformat does not try its two hundred others, some of which open further files.
_CODECS = frozenset({"aac", "alac", "flac", "mp3", "mp3float", "opus", "libopus", "vorbis", "libvorbis"})
_STREAMED_BYTES = 0xFFFFFFFF  # what a program writes into a WAV header when it cannot know the length
_VIDEO_MARKS = (b"AVI ", b"RMVB", b"FLV\x01")


class NotUsable(Exception):
    """The file is not what a voice can be made of; `remark` says why."""

    def __init__(self, remark: Remark) -> None:
        super().__init__(remark.code)
        self.remark = remark


@dataclass(frozen=True, slots=True)
class Decoded:
    """What was in the file. `samples` is mono at `rate_hz`, -1..1."""

    samples: Samples
    rate_hz: int
    container: str
    codec: str
    channels: int
    clipped_share: float
    """Share of the samples that stand at the end of the scale, before anything was done to them."""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate_hz


def decode(file: BinaryIO, max_s: float) -> Decoded:
    """Return the sound in `file`; raises NotUsable."""
    size_bytes = file.seek(0, 2)
    file.seek(0)
    if not size_bytes:
        raise NotUsable(refused("empty-file"))
    container_format = _sniff(file)
    if container_format == "wav":
        _check_wav_length(file, size_bytes)
    file.seek(0)
    try:
        with av.open(file, format=container_format, metadata_errors="replace") as container:
            return _decode(container, container_format, max_s)
    except (av.FFmpegError, EOFError, ValueError, OSError):
        raise NotUsable(refused("damaged-file", format=container_format)) from None


def _sniff(file: BinaryIO) -> str:
    head = file.read(16)
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"fLaC":
        return "flac"
    if head[:4] == b"OggS":
        return "ogg"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    if head[4:8] == b"ftyp":
        return "mov"
    if head[:3] == b"ID3" or _is_mp3_frame(head):
        return "mp3"
    if any(mark in head for mark in _VIDEO_MARKS):
        raise NotUsable(refused("video"))
    raise NotUsable(refused("not-audio", formats=FORMATS))


def _is_mp3_frame(head: bytes) -> bool:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    return version != 1 and layer == 1 and head[2] >> 4 != 15 and head[2] >> 2 & 3 != 3


def _check_wav_length(file: BinaryIO, size_bytes: int) -> None:
    """Refuse a header that promises more than there is: it is cut off, or was made up."""
    file.seek(12)
    while len(header := file.read(8)) == 8:
        name, length = struct.unpack("<4sI", header)
        if name == b"data":
            left_bytes = size_bytes - file.tell()
            if length > left_bytes + 1 and length != _STREAMED_BYTES:
                raise NotUsable(refused("cut-off", promised_mib=_mib(length), present_mib=_mib(left_bytes)))
            return
        file.seek(length + length % 2, 1)
    raise NotUsable(refused("damaged-file", format="wav"))


def _mib(size_bytes: int) -> float:
    return round(size_bytes / 2**20, 1)


def _decode(container: Any, container_format: str, max_s: float) -> Decoded:
    for stream in container.streams:
        # The cover of an album is a picture, not a film.
        if stream.type == "video" and not stream.disposition & Disposition.attached_pic:
            raise NotUsable(refused("video"))
    if not container.streams.audio:
        raise NotUsable(refused("no-audio"))
    stream = container.streams.audio[0]
    codec = stream.codec_context.name
    if codec not in _CODECS and not codec.startswith("pcm_"):
        raise NotUsable(refused("codec-unknown", codec=codec, formats=FORMATS))
    rate_hz, channels = stream.codec_context.sample_rate, stream.codec_context.channels
    if not 0 < rate_hz <= MAX_SOURCE_RATE_HZ or not 0 < channels <= MAX_CHANNELS:
        raise NotUsable(refused("damaged-file", format=container_format))
    pieces = list(_pieces(container, stream, int(max_s * rate_hz), lambda: _too_long(max_s)))
    if not pieces:
        raise NotUsable(refused("no-audio"))
    sound = np.concatenate(pieces, axis=1)
    if not np.isfinite(sound).all():
        raise NotUsable(refused("damaged-file", format=container_format))
    return Decoded(_mono(sound), rate_hz, container_format, codec.removesuffix("float"), channels, _clipped(sound))


def _too_long(max_s: float) -> NotUsable:
    return NotUsable(refused("too-long", most_s=round(max_s)))


def _pieces(container: Any, stream: Any, most_samples: int, too_long: Callable[[], NotUsable]) -> Any:
    context = stream.codec_context
    # Only the number format changes here: clipping is judged before anything touches the samples.
    resampler = av.AudioResampler(format="fltp", layout=context.layout, rate=context.sample_rate)
    taken = 0
    for frame in container.decode(stream):
        for plain in resampler.resample(frame):
            taken += plain.samples
            if taken > most_samples:
                raise too_long()
            yield plain.to_ndarray()[:2]


def _mono(sound: NDArray[Any]) -> Samples:
    """Return the mean of the channels, or the loudest where the mean loses most of it (one side empty, or inverted)."""
    mean = sound.mean(axis=0)
    powers = np.square(sound).mean(axis=1)
    if np.square(mean).mean() < powers.max() / 3:
        mean = sound[int(powers.argmax())]
    return np.asarray(np.clip(mean, -1.0, 1.0), dtype=np.float32)


def _clipped(sound: NDArray[Any]) -> float:
    """Return the share of samples in runs of three or more at the loudest value, where that is near full scale."""
    worst = 0.0
    for channel in np.abs(sound):
        top = float(channel.max(initial=0.0))
        if top < 0.8:
            continue
        high = channel >= top * 0.995
        inner = high[1:-1] & high[:-2] & high[2:]
        worst = max(worst, float(inner.mean()) if len(inner) else 0.0)
    return worst
