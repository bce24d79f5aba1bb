#!/usr/bin/python3
"""Makes the golden files of this folder with numpy and the onnx package.

    /usr/bin/python3 packages/node/test/goldens/make-goldens.py [output folder]

numpy-files.json: files that numpy.save and numpy.savez wrote (base64), and the numbers in them.
charlm-activity.json: which units of examples/charlm-relu.onnx are active on examples/charlm-relu-tokens.npy, by a
forward pass written here in double precision; of the model only the weights are read.
"""
import base64
import io
import json
import os
import sys

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # the same sums in the same order everywhere

import numpy as np
import onnx
from onnx import numpy_helper

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(HERE, "../../../../examples")
MADE_BY = {
    "script": "packages/node/test/goldens/make-goldens.py",
    "python": ".".join(map(str, sys.version_info[:3])),
    "numpy": np.__version__,
    "onnx": onnx.__version__,
}


def write(folder, name, about, content):
    text = json.dumps({"about": about, "madeBy": MADE_BY, **content}, separators=(",", ":"))
    path = os.path.join(folder, name)
    with open(path, "w", newline="\n") as file:
        file.write(text + "\n")
    print(f"{path}: {os.path.getsize(path):,} bytes")


def saved(array, version=None):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version)
    return base64.b64encode(file.getvalue()).decode()


def numpy_files():
    rng = np.random.default_rng(5)
    whole = rng.integers(-100, 100, (2, 3, 4))
    files = []
    for code in ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "?"]:
        values = np.abs(whole) if code.startswith("u") else whole
        values = values > 0 if code == "?" else values
        values = values * (0.37 if code.startswith("f") else 1)
        for order in "<>":
            array = values.astype(order + code)
            for fortran in [False, True]:
                shaped = np.asfortranarray(array) if fortran else array
                numbers = [float(x) for x in array.reshape(-1)]
                files.append(
                    {
                        "name": f"{array.dtype.str} {'fortran' if fortran else 'c'}",
                        "base64": saved(shaped),
                        "shape": list(array.shape),
                        "numbers": numbers,
                    }
                )
    big = np.array([2**53 + 1, -(2**62)], dtype="<i8")
    for version in [(1, 0), (2, 0), (3, 0)]:
        files.append({"name": f"version {version[0]}", "base64": saved(np.array([1.5, -2.0]), version), "shape": [2], "numbers": [1.5, -2.0]})
    files.append({"name": "no axes", "base64": saved(np.array(7.25)), "shape": [], "numbers": [7.25]})
    files.append({"name": "empty", "base64": saved(np.zeros((0, 3))), "shape": [0, 3], "numbers": []})
    archives = []
    for save in [np.savez, np.savez_compressed]:
        file = io.BytesIO()
        save(file, tokens=big, mask=np.ones((2, 2), dtype=bool))
        archives.append({"name": save.__name__, "base64": base64.b64encode(file.getvalue()).decode()})
    half_bits = np.array([0, 0x8000, 1, 0x3FF, 0x400, 0x3C00, 0x3C01, 0xC500, 0x7BFF, 0x7C00, 0xFC00], dtype="<u2")
    half = {"bits": half_bits.tolist(), "numbers": [str(float(x)) for x in half_bits.view("<f2")]}
    rounded = rng.standard_normal(50) * 10.0 ** rng.integers(-8, 6, 50)
    with np.errstate(over="ignore"):
        half["rounded"] = [[float(x), int(np.float16(x).view("<u2"))] for x in rounded]
    return {"files": files, "archives": archives, "bigIntegers": [str(x) for x in big], "half": half}


def charlm_activity():
    model = onnx.load(os.path.join(EXAMPLES, "charlm-relu.onnx"))
    weights = {t.name: numpy_helper.to_array(t).astype(np.float64) for t in model.graph.initializer}
    # MatMul weights have lost their names: they come in the order of the forward pass.
    products = [n.input[1] for n in model.graph.node if n.op_type == "MatMul" and n.input[1] in weights]
    heads = next(
        numpy_helper.to_array(n.attribute[0].t).item() for n in model.graph.node if n.name == "/b.0/Constant_4"
    )
    tokens = np.load(os.path.join(EXAMPLES, "charlm-relu-tokens.npy"))

    def norm(x, name):
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        return scaled * weights[name + ".weight"] + weights[name + ".bias"]

    batch, length = tokens.shape
    x = weights["e.weight"][tokens] + weights["p.weight"][:length]
    mask = np.triu(np.full((length, length), -np.inf), 1)
    blocks = []
    for b in range(3):
        qkv, out, up, down = (weights[name] for name in products[4 * b : 4 * b + 4])
        width = x.shape[-1]
        parts = (norm(x, f"b.{b}.n1") @ qkv).reshape(batch, length, 3, heads, width // heads)
        q, k, v = parts.transpose(2, 0, 3, 1, 4)
        scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(width // heads) + mask
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (scores / scores.sum(-1, keepdims=True)) @ v
        x = x + mixed.transpose(0, 2, 1, 3).reshape(batch, length, width) @ out
        gates = norm(x, f"b.{b}.n2") @ up + weights[f"b.{b}.up.bias"]
        active = (gates > 0).reshape(-1, gates.shape[-1])
        x = x + np.maximum(gates, 0) @ down + weights[f"b.{b}.dn.bias"]
        per_row = np.sort(active.sum(1))
        blocks.append(
            {
                "activeCount": int(active.sum()),
                "rowCount": int(active.shape[0]),
                "unitCounts": active.sum(0).tolist(),
                "rowQuantiles": {
                    str(q): int(per_row[max(1, int(np.ceil(q * len(per_row)))) - 1]) for q in [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1]
                },
                # Sums so near to zero that single precision may decide them otherwise.
                "closeCount": int((np.abs(gates) < 2e-5).sum()),
            }
        )
    return {"blocks": blocks}


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else HERE
    write(folder, "numpy-files.json", "files written by numpy, and their numbers", numpy_files())
    write(folder, "charlm-activity.json", "active units of charlm-relu.onnx, by a forward pass in numpy", charlm_activity())
