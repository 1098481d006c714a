# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Time of a training step of the examples beside PyTorch's, one thread each.

Both read the same data. Before any time is taken, PyTorch computes the loss over all rows with the parameters that
Slope trained: it must be what `slope eval` says. PyTorch runs eagerly, or compiled with --compile, whichever was
asked; its optimizer is the fused Adam. A step of either is the batch's rows, the loss, its gradients and the update.

Needs torch and numpy.   python3 bench/networks.py build/slope [--compile] [NAME…]
"""
import gzip
import json
import pathlib
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
from torch.nn import functional as F

torch.set_num_threads(1)
EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"
FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")


def table(path):
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt") as file:
        return file.readline().strip().split(","), [line.strip().split(",") for line in file]


def numbers(path, dtype=np.float32):
    header, rows = table(path)
    return np.array(rows, dtype=dtype)


def idx(name):
    raw = gzip.decompress((FASHION / name).read_bytes())
    rank = raw[3]
    shape = struct.unpack(f">{rank}I", raw[4 : 4 + 4 * rank])
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)


def codes(words):
    return np.unique(words, return_inverse=True)[1].astype(np.int64)


def weights(path):
    raw = path.read_bytes()
    (size,) = struct.unpack("<Q", raw[:8])
    kinds = {"F64": np.float64, "F32": np.float32}
    out = {}
    for name, entry in json.loads(raw[8 : 8 + size]).items():
        if name.startswith("__") or name.startswith("slope/"):
            continue
        begin, end = entry["data_offsets"]
        data = np.frombuffer(raw[8 + size + begin : 8 + size + end], kinds[entry["dtype"]])
        out[name] = torch.tensor(data.reshape(entry["shape"]).copy())
    return out


def iris(p, x, y):
    z = x @ p["logits.W"] + p["logits.b"]
    return F.cross_entropy(z, y) + 1e-3 * (p["logits.W"] ** 2).sum()


def digits(p, x, y):
    h = torch.relu(torch.addmm(p["hidden.b"], x / 16, p["hidden.W"]))
    return F.cross_entropy(torch.addmm(p["logits.b"], h, p["logits.W"]), y)


def autoencoder(p, x):
    x = x / 16
    code = torch.tanh(x @ p["code.W"] + p["code.b"])
    return F.mse_loss(torch.sigmoid(code @ p["code.W"].T + p["shade"]), x)


def gru(p, x, y):
    n = p["memory.V"].shape[0]
    a = x @ p["memory.W"] + p["memory.b"]
    h = x.new_zeros(x.shape[0], n)
    for t in range(x.shape[1]):
        gate = torch.sigmoid(a[:, t, : 2 * n] + h @ p["memory.U"])
        new = torch.tanh(a[:, t, 2 * n :] + (gate[:, :n] * h) @ p["memory.V"])
        h = gate[:, n:] * h + (1 - gate[:, n:]) * new
    return F.mse_loss((h @ p["predict.W"] + p["predict.b"])[:, 0], y)


def attention(p, token, y):
    def attend(x, name):
        q, k, v = (x @ p[f"{name}.dense_{i}.W"] + p[f"{name}.dense_{i}.b"] for i in (1, 2, 3))
        return x + F.scaled_dot_product_attention(q, k, v)

    seen = p["seen.embedding_1.E"][token] + p["seen.embedding_2.E"]
    second = attend(attend(seen, "first"), "second")
    return F.cross_entropy(second[:, -1] @ p["logits.W"] + p["logits.b"], y)


def factorisation(p, person, film, rating):
    taste, style = p["taste.E"][person], p["style.E"][film]
    mood, fame = p["mood.E"][person, 0], p["fame.E"][film, 0]
    predict = p["level"] + mood + fame + (taste * style).sum(-1)
    penalty = (taste**2).sum(-1) + (style**2).sum(-1) + mood**2 + fame**2
    return F.mse_loss(predict, rating) + 0.01 * penalty.mean()


def fashion(p, image, label):
    def layer(x, name):
        w = p[name + ".W"].permute(3, 2, 0, 1)
        return F.max_pool2d(torch.relu(F.conv2d(x, w, p[name + ".b"], padding=1)), 2)

    x = layer(layer((image / 255)[:, None], "edges"), "parts")
    return F.cross_entropy(x.permute(0, 2, 3, 1).flatten(1) @ p["logits.W"] + p["logits.b"], label)


def network(p, x, y):
    return F.mse_loss(torch.tanh(x @ p["W"] + p["b"]) @ p["v"] + p["c"], y)


def iris_data():
    header, rows = table(EXAMPLES / "iris/iris.csv")
    x = np.array([row[:4] for row in rows], float)
    return (x - x.mean(0)) / x.std(0), codes([row[4] for row in rows])


def digits_data():
    header, rows = table(EXAMPLES / "digits/train.csv.gz")
    pixels = [i for i, name in enumerate(header) if name.startswith("p")]
    all = np.array(rows, np.float32)
    return all[:, pixels], all[:, header.index("digit")].astype(np.int64)


def gru_data():
    all = numbers(EXAMPLES / "gru/series.csv")
    return all[:, :24, None], all[:, 24]


def attention_data():
    all = numbers(EXAMPLES / "attention/tokens.csv").astype(np.int64)
    return all[:, :6], codes(all[:, 6])


def factorisation_data():
    all = numbers(EXAMPLES / "factorisation/ratings.csv", float)
    return all[:, 0].astype(np.int64), all[:, 1].astype(np.int64), all[:, 2]


def network_data():
    all = numbers(EXAMPLES / "network/surface.csv", float)
    return all[:, :2], all[:, 2]


def fashion_data():
    images, labels = idx("train-images-idx3-ubyte.gz"), idx("train-labels-idx1-ubyte.gz")
    return images.astype(np.float32), labels.astype(np.int64)


# name: model, loss, data, rows of a batch, options that make Slope's run short, steps of PyTorch's
CASES = {
    "iris": ("iris/iris", iris, iris_data, None, ["--steps", "2000"], 500),
    "digits": ("digits/digits", digits, digits_data, 32, ["--epochs", "10"], 500),
    "autoencoder": ("digits/autoencoder", autoencoder, lambda: digits_data()[:1], 64, ["--epochs", "20"], 500),
    "gru": ("gru/series", gru, gru_data, 24, ["--epochs", "20"], 60),
    "attention": ("attention/marker", attention, attention_data, 32, ["--epochs", "20"], 200),
    "factorisation": ("factorisation/ratings", factorisation, factorisation_data, 32, [], 500),
    "network": ("network/network", network, network_data, None, ["--steps", "5000", "--optimizer", "adam"], 500),
    "fashion": ("fashion/fashion", fashion, fashion_data, 64, ["--epochs", "1"], 200),
}


def run(slope, command, model, *options):
    line = [slope, command, str(model), "--json", "--quiet", *options]
    return json.loads(subprocess.run(line, capture_output=True, check=True).stdout)


def peer(loss, p, data, batch, steps):
    """Seconds a step: rows of a shuffled batch, loss, gradients, fused Adam."""
    p = {name: value.clone().requires_grad_() for name, value in p.items()}
    optimizer = torch.optim.Adam(p.values(), lr=1e-3, fused=True)
    order = torch.randperm(len(data[0]))
    size = batch or len(order)

    def step(at):
        begin = at * size % (len(order) - size + 1)
        rows = data if batch is None else [column[order[begin : begin + size]] for column in data]
        optimizer.zero_grad(set_to_none=True)
        loss(p, *rows).backward()
        optimizer.step()

    for at in range(max(3, steps // 10)):
        step(at)
    start = time.perf_counter()
    for at in range(steps):
        step(at)
    return (time.perf_counter() - start) / steps


def compare(slope, name, compiled):
    file, loss, make, batch, options, steps = CASES[name]
    model = EXAMPLES / (file + ".slope")
    with tempfile.TemporaryDirectory() as folder:
        saved = pathlib.Path(folder) / "w.safetensors"
        run(slope, "train", model, *options, "--save", str(saved))
        p = weights(saved)
        said = run(slope, "eval", model, "--weights", str(saved))["loss"]
    kind = p[next(iter(p))].dtype
    data = [torch.tensor(column, dtype=None if column.dtype == np.int64 else kind) for column in make()]
    with torch.no_grad():
        found = loss(p, *data).item()
    if abs(found - said) > (1e-9 if kind == torch.float64 else 1e-4) * abs(said):
        raise SystemExit(f"{name}: PyTorch's loss is {found}, Slope's {said}")
    timed = torch.compile(loss) if compiled else loss
    ours, theirs = [], []
    for _ in range(3):
        ours.append(run(slope, "train", model, *options, "--no-save")["time"]["per_step"])
        theirs.append(peer(timed, p, data, batch, steps))
    a, b = statistics.median(ours), statistics.median(theirs)
    print(f"| step of {name} | {a * 1e6:.1f} us | {b * 1e6:.1f} us | {b / a:.2f} |", flush=True)


if __name__ == "__main__":
    words = sys.argv[1:]
    names = [word for word in words[1:] if word in CASES] or list(CASES)
    print(f"| what | Slope | PyTorch {torch.__version__} | PyTorch / Slope |\n| --- | --- | --- | --- |")
    for each in names:
        compare(words[0], each, "--compile" in words)
