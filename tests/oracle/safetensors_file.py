# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes tests/data/numpy.safetensors: numbers of several types as the safetensors library writes them, and their values
as decimal numbers in tests/data/numpy_safetensors.json. bfloat16 has no type in NumPy: ml_dtypes has one.

Needs safetensors, numpy and ml_dtypes. Run in the root: python3 tests/oracle/safetensors_file.py
"""
import json
import pathlib

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

DATA = pathlib.Path(__file__).parents[1] / "data"
tensors = {
    "w": np.array(1.5, np.float64),
    "b": np.array([0.1, -2.0], np.float32),
    # The largest, the smallest normal and subnormal ones, a third.
    "half": np.array([[65504, -6.103515625e-05, 5.9604644775390625e-08], [1 / 3, -0.0, 1]], np.float16),
    "brain": np.array([1 / 3, -3.0e38, 1e-40], ml_dtypes.bfloat16),
    "count": np.array([3, 4], np.int64),
}
save_file(tensors, DATA / "numpy.safetensors", metadata={"format": "pt"})
values = {name: np.asarray(t, np.float64).ravel().tolist() for name, t in tensors.items() if name != "count"}
(DATA / "numpy_safetensors.json").write_text(json.dumps(values) + "\n")
