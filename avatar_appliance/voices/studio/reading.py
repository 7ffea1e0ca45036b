"""Open a recording, judge it, and make the reference of it."""

from __future__ import annotations

import wave
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soxr

from avatar_appliance.voices.remark import Remark, note, refused, warning
from avatar_appliance.voices.voice_index import MAX_REFERENCE_S, MIN_REFERENCE_S, REFERENCE_RATE_HZ

from . import measurements
from .container import Decoded, NotUsable, Samples, decode
from .loudness import levelled
from .speech_spans import Span, speech_spans
from .stretch import best_stretch, cut, longest_pause_s

# Telephones carry 3.4 kHz (8 kHz sampling), "HD" ones and headsets 7 kHz; a voice has sound up to 10 kHz and more.
_PHONE_BAND_HZ = 4_600
_PHONE_RATE_HZ = 12_000
_FULL_BAND_HZ = 7_600
_LEAST_SPEECH_S = 2.5
_ENOUGH_SPEECH_S = 5.0
_LEAST_SNR_DB, _GOOD_SNR_DB = 10.0, 25.0
_MOST_CLIPPED, _SOME_CLIPPED = 0.02, 0.0005
_SILENT_DBFS, _QUIET_DBFS = -60.0, -40.0
_LONG_PAUSE_S = 1.2


@dataclass(slots=True)
class Reading:
    """What came out: figures, remarks, and whether there is a reference."""

    measurements: dict[str, float | int | str] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)

    @property
    def refused(self) -> bool:
        """Whether no voice can be made of it."""
        return any(remark.severity == "refused" for remark in self.remarks)


def read(file: BinaryIO, output: Path, *, max_s: float, reference_s: float) -> Reading:
    """Judge the recording in `file` and write the reference to `output` unless it is refused."""
    reading = Reading()
    try:
        decoded = decode(file, max_s)
    except NotUsable as error:
        reading.remarks.append(error.remark)
        return reading
    reading.measurements |= {
        "format": decoded.container,
        "codec": decoded.codec,
        "channels": decoded.channels,
        "sample_rate_hz": decoded.rate_hz,
        "duration_s": round(decoded.duration_s, 2),
    }
    samples = np.asarray(soxr.resample(decoded.samples, decoded.rate_hz, REFERENCE_RATE_HZ), dtype=np.float32)
    spans = speech_spans(samples, REFERENCE_RATE_HZ)
    _judge(reading, decoded, samples, spans)
    if not reading.refused:
        _make_reference(reading, samples, spans, output, min(reference_s, MAX_REFERENCE_S))
    return reading


def _judge(reading: Reading, decoded: Decoded, samples: Samples, spans: list[Span]) -> None:
    rate_hz, remarks = REFERENCE_RATE_HZ, reading.remarks
    speech_s = sum(span.length_s for span in spans)
    peak = measurements.peak_dbfs(samples)
    if decoded.duration_s < MIN_REFERENCE_S:
        remarks.append(refused("too-short", duration_s=round(decoded.duration_s, 1), least_s=MIN_REFERENCE_S))
    if peak < _SILENT_DBFS:
        remarks.append(refused("silent"))
        return
    if speech_s < 0.3:
        remarks.append(refused("no-speech"))
        return
    level = measurements.speech_level_dbfs(samples, rate_hz, spans)
    noise = measurements.noise_floor_dbfs(samples, rate_hz, spans)
    band = min(measurements.bandwidth_hz(samples, rate_hz, spans), decoded.rate_hz / 2)
    reading.measurements |= {
        "speech_s": round(speech_s, 2),
        "speech_dbfs": round(level, 1),
        "noise_dbfs": round(noise, 1),
        "signal_to_noise_db": round(level - noise, 1),
        "peak_dbfs": round(peak, 1),
        "clipped_percent": round(100 * decoded.clipped_share, 3),
        "bandwidth_hz": round(band),
    }
    if speech_s < _LEAST_SPEECH_S and decoded.duration_s >= MIN_REFERENCE_S:
        remarks.append(refused("little-speech", speech_s=round(speech_s, 1), least_s=_LEAST_SPEECH_S))
    elif speech_s < _ENOUGH_SPEECH_S:
        remarks.append(warning("short", speech_s=round(speech_s, 1), good_s=round(2 * _ENOUGH_SPEECH_S)))
    if band < _PHONE_BAND_HZ or decoded.rate_hz < _PHONE_RATE_HZ:
        remarks.append(refused("telephone", bandwidth_khz=round(band / 1000, 1)))
    elif band < _FULL_BAND_HZ:
        remarks.append(warning("dull", bandwidth_khz=round(band / 1000, 1)))
    _judge_levels(remarks, decoded.clipped_share, level, level - noise)


def _judge_levels(remarks: list[Remark], clipped_share: float, level: float, snr_db: float) -> None:
    if clipped_share > _MOST_CLIPPED:
        remarks.append(refused("distorted", clipped_percent=round(100 * clipped_share, 1)))
    elif clipped_share > _SOME_CLIPPED:
        remarks.append(warning("clipping", clipped_percent=round(100 * clipped_share, 2)))
    if snr_db < _LEAST_SNR_DB:
        remarks.append(refused("noise", signal_to_noise_db=round(snr_db)))
    elif snr_db < _GOOD_SNR_DB:
        remarks.append(warning("some-noise", signal_to_noise_db=round(snr_db)))
    if level < _QUIET_DBFS:
        remarks.append(warning("quiet", speech_dbfs=round(level)))


def _make_reference(reading: Reading, samples: Samples, spans: list[Span], output: Path, most_s: float) -> None:
    rate_hz = REFERENCE_RATE_HZ
    stretch = best_stretch(samples, rate_hz, spans, most_s)
    pause_s = longest_pause_s(spans, stretch)
    if pause_s > _LONG_PAUSE_S:
        reading.remarks.append(warning("pause", pause_s=round(pause_s, 1)))
    piece = cut(samples, rate_hz, stretch)
    if len(piece) < MIN_REFERENCE_S * rate_hz:
        # Silence after the last word is harmless, and an engine wants its three seconds.
        if stretch.length_s < MIN_REFERENCE_S - 1.0:
            reading.remarks.append(refused("scattered", stretch_s=round(stretch.length_s, 1), least_s=MIN_REFERENCE_S))
            return
        piece = np.pad(piece, (0, int(MIN_REFERENCE_S * rate_hz) - len(piece)))
    piece, gain_db = levelled(piece, rate_hz)
    reading.measurements |= {
        "reference_s": round(len(piece) / rate_hz, 2),
        "reference_from_s": round(stretch.start_s, 2),
        "gain_db": round(gain_db, 1),
    }
    whole_s = reading.measurements["duration_s"]
    if isinstance(whole_s, float) and whole_s - stretch.length_s > 0.5:
        reading.remarks.append(note("trimmed", from_s=round(stretch.start_s, 1), to_s=round(stretch.end_s, 1)))
    pcm = np.round(piece * 32767.0).astype("<i2").tobytes()
    with wave.open(str(output), "wb") as file:
        file.setparams((1, 2, rate_hz, 0, "NONE", ""))
        file.writeframes(pcm)
