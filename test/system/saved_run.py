"""Reads a run's checkpoint without posse: the manifest, and safetensors by hand.

Format: https://github.com/huggingface/safetensors#format, an 8-byte length, a
JSON header with dtype, shape and offsets of each tensor, then their bytes.
"""

import json
import struct
from pathlib import Path

from harness import read_images, read_json

FORMATS = {"F64": "d", "F32": "f", "I64": "q", "I32": "i", "U8": "B", "BOOL": "?"}


def manifest(run):
    return read_json(Path(run) / "checkpoint/manifest.json")


def particle_files(run):
    """The particles' files, by pid."""
    return [Path(run) / "checkpoint" / x["file"] for x in manifest(run)["particles"]]


def load_tensors(path):
    """{name: (shape, [number])} of a safetensors file."""
    data = Path(path).read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        code = FORMATS[entry["dtype"]]
        count = (end - begin) // struct.calcsize(f"<{code}")
        numbers = struct.unpack_from(f"<{count}{code}", data, begin)
        tensors[name] = (entry["shape"], list(numbers))
    return tensors


def encoded_test_images(run, folder):
    """The test images of `folder` as the run's networks see them: lists of
    standardised pixels."""
    (scaling,) = manifest(run)["data"]["inputs"]
    return [
        [(pixel - scaling["mean"]) / scaling["sd"] for pixel in image]
        for image in read_images(folder, "t10k")
    ]
