"""An ONNX graph on disk, in three files: the graph, its tensors, and where each tensor lies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["write_graph"]

_STORED_TYPES = (1, 3)  # ONNX's numbers of float32 and int8


def write_graph(graph: ModelProto, file: Path) -> None:
    """Write a graph, and its tensors beside it: that file is mapped into memory rather than parsed and copied.

    A third file says where each tensor lies, for whoever reads tensors and no graph.
    """
    import onnx
    from onnx import external_data_helper, helper

    data = file.with_name(f"{file.name}_data")
    for tensor in graph.graph.initializer:
        if tensor.data_type in _STORED_TYPES and tensor.dims:  # not the integers that operators want in the graph
            external_data_helper.set_external_data(tensor, data.name)
    onnx.save(graph, file)
    data.chmod(0o644)  # onnx makes it private to its owner, which an installed package must not be
    places = {}
    for tensor in onnx.load(file, load_external_data=False).graph.initializer:
        if external_data_helper.uses_external_data(tensor):
            kind = str(helper.tensor_dtype_to_np_dtype(tensor.data_type))
            offset = external_data_helper.ExternalDataInfo(tensor).offset or 0
            places[tensor.name] = [kind, list(tensor.dims), offset]
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(place)}" for name, place in places.items())
    file.with_suffix(".tensors.json").write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
