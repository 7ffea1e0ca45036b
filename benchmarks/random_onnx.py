"""The two ONNX files of a CosyVoice model folder with random weights: what they hear in a recording is noise.

The speech tokenizer has the layers and sizes of speech_tokenizer_v2/v3.onnx (a Whisper-like encoder with a memory
block beside each attention, and eight three-valued digits a token); its rotary positions are left out. The speaker
embedding is a mean and a product: CAM++ (7 M parameters) is a thirtieth of the tokenizer's work.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_OPSET = 20
_IR_VERSION = 9
_MELS = 128
_FBANK = 80
_EMBEDDING = 192
_MEMORY = 31
_DIGITS = 8


@dataclass(frozen=True, slots=True)
class TokenizerSize:
    """Layers, numbers and attention heads of a speech tokenizer."""

    layers: int
    width: int
    heads: int


TOKENIZER_SIZES = {2: TokenizerSize(6, 1280, 20), 3: TokenizerSize(12, 1280, 20)}
SMALL_TOKENIZER = TokenizerSize(1, 64, 2)


def write_speaker_embedding(file: Path) -> None:
    """Write a campplus.onnx: filter banks (1, frames, 80) to an embedding (1, 192)."""
    graph = _Graph()
    mean = graph.add("ReduceMean", "feats", graph.shape(1), keepdims=0)
    graph.add("MatMul", mean, graph.weight(_FBANK, _EMBEDDING), output="embedding")
    inputs = [helper.make_tensor_value_info("feats", TensorProto.FLOAT, [1, "frames", _FBANK])]
    graph.save(file, inputs, helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, _EMBEDDING]))


def write_speech_tokenizer(file: Path, size: TokenizerSize) -> None:
    """Write a speech_tokenizer_vN.onnx: a mel spectrogram (1, 128, frames) to tokens (1, frames / 4), 0 to 6560."""
    graph, width = _Graph(), size.width
    heard = graph.conv("feats", _MELS, width, kernel=3, stride=2)
    heard = graph.conv(graph.add("Gelu", heard), width, width, kernel=3, stride=2)
    heard = graph.add("Transpose", graph.add("Gelu", heard), perm=[0, 2, 1])
    for _ in range(size.layers):
        heard = graph.add("Add", heard, _attention(graph, graph.norm(heard, width), size))
        inner = graph.add("Gelu", graph.linear(graph.norm(heard, width), width, 4 * width))
        heard = graph.add("Add", heard, graph.linear(inner, 4 * width, width))
    digits = graph.add("Round", graph.add("Tanh", graph.linear(heard, width, _DIGITS)))
    places = graph.constant(3.0 ** np.arange(_DIGITS, dtype=np.float32))
    value = graph.add("Mul", graph.add("Add", digits, graph.constant(np.float32(1))), places)
    total = graph.add("ReduceSum", value, graph.shape(2), keepdims=0)
    graph.add("Cast", total, output="indices", to=TensorProto.INT32)
    inputs = [
        helper.make_tensor_value_info("feats", TensorProto.FLOAT, [1, _MELS, "frames"]),
        helper.make_tensor_value_info("feats_length", TensorProto.INT32, [1]),
    ]
    graph.save(file, inputs, helper.make_tensor_value_info("indices", TensorProto.INT32, [1, "tokens"]))


def _attention(graph: _Graph, heard: str, size: TokenizerSize) -> str:
    width, heads, each = size.width, size.heads, size.width // size.heads
    query, key, value = (graph.linear(heard, width, width) for _ in range(3))
    parts = graph.shape(0, 0, heads, each)
    queries, values = (
        graph.add("Transpose", graph.add("Reshape", x, parts), perm=[0, 2, 1, 3]) for x in (query, value)
    )
    keys = graph.add("Transpose", graph.add("Reshape", key, parts), perm=[0, 2, 3, 1])
    scores = graph.add("Mul", graph.add("MatMul", queries, keys), graph.constant(np.float32(each**-0.5)))
    mixed = graph.add("MatMul", graph.add("Softmax", scores, axis=-1), values)
    together = graph.add("Reshape", graph.add("Transpose", mixed, perm=[0, 2, 1, 3]), graph.shape(0, 0, width))
    memory = graph.conv(graph.add("Transpose", value, perm=[0, 2, 1]), 1, width, kernel=_MEMORY, group=width)
    remembered = graph.add("Transpose", memory, perm=[0, 2, 1])
    return graph.add("Add", graph.linear(together, width, width), remembered)


@dataclass
class _Graph:
    nodes: list[Any] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def add(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        output = output or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, value: Any) -> str:
        name = f"v{len(self.values)}"
        self.values.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def shape(self, *numbers: int) -> str:
        return self.constant(np.asarray(numbers, dtype=np.int64))

    def weight(self, inputs: int, *others: int) -> str:
        numbers = self.random.standard_normal((inputs, *others), dtype=np.float32)
        return self.constant(numbers * np.float32(inputs**-0.5))

    def linear(self, of: str, inputs: int, outputs: int) -> str:
        return self.add("MatMul", of, self.weight(inputs, outputs))

    def norm(self, of: str, width: int) -> str:
        return self.add("LayerNormalization", of, self.constant(np.ones(width, np.float32)), axis=-1)

    def conv(self, of: str, inputs: int, outputs: int, *, kernel: int, stride: int = 1, group: int = 1) -> str:
        numbers = self.random.standard_normal((outputs, inputs, kernel), dtype=np.float32)
        weight = self.constant(numbers * np.float32((inputs * kernel) ** -0.5))
        pads = [kernel // 2, kernel // 2]
        return self.add("Conv", of, weight, kernel_shape=[kernel], strides=[stride], pads=pads, group=group)

    def save(self, file: Path, inputs: list[Any], output: Any) -> None:
        graph = helper.make_graph(self.nodes, file.stem, inputs, [output], self.values)
        opsets = [helper.make_opsetid("", _OPSET)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION), str(file))
