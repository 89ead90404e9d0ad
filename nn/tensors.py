"""A model file as safetensors: the parameters as named arrays, all else as JSON beside them.

Where the content of a file has numbers, its description has the names of arrays: "layers.0.W".
"""

from __future__ import annotations

import json
import os
from typing import Any

from autograd_core.extras import needing

KEY = "autograd-core"  # of the description among a file's metadata


@needing("safetensors", "a file of safetensors")
def to_bytes(content: dict[str, Any]) -> bytes:
    """The content of a model file, written as safetensors."""
    from safetensors.numpy import save

    arrays: dict[str, Any] = {}
    described = content | {"parameters": named(content["parameters"], "", arrays)}
    return bytes(save(arrays, metadata={KEY: json.dumps(described)}))


def named(numbers: Any, name: str, arrays: dict[str, Any]) -> Any:
    """Nested numbers with the names of arrays in their place; the arrays are put among others."""
    import numpy as np

    if isinstance(numbers, dict):
        return {key: named(x, joined(name, key), arrays) for key, x in numbers.items()}
    try:
        arrays[name] = np.array(numbers, dtype=float)
    except (TypeError, ValueError):  # there are dicts in it, or lists of several lengths
        return [named(x, joined(name, i), arrays) for i, x in enumerate(numbers)]
    return name


def joined(name: str, part: str | int) -> str:
    """The name of a part."""
    return f"{name}.{part}" if name else str(part)


@needing("safetensors", "a file of safetensors")
def from_file(path: str | os.PathLike[str]) -> Any:
    """The content that was written; ValueError for a file that has none."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(str(error)) from None
    if KEY not in metadata:
        raise ValueError("it does not describe a model")
    content = json.loads(metadata[KEY])
    return content | {"parameters": numbered(content["parameters"], arrays)}


def numbered(described: Any, arrays: dict[str, Any]) -> Any:
    """Nested numbers, where a description has the names of arrays."""
    if isinstance(described, dict):
        return {key: numbered(x, arrays) for key, x in described.items()}
    if isinstance(described, list):
        return [numbered(x, arrays) for x in described]
    return arrays[described].tolist()
