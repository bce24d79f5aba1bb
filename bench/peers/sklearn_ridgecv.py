#!/usr/bin/python3
"""scikit-learn's side of the real-data benchmark: RidgeCV on all products of at most two coordinates.

    /usr/bin/python3 bench/peers/sklearn_ridgecv.py fold.json

fold.json: {"classes": bool, "groups": [...], "training": {"rows": ["0110...", ...], "target": [...]}, "test": the same}.
Bit 1 is x = -1; products of two coordinates of one group are redundant and left out. Classes are -1 and +1, predicted by
the sign. RidgeCV chooses alpha by leaving one row out (its default, exact), once from its own alphas (narrow) and once
from 15 alphas between 1e-3 and 1e4 (wide). Prints one line of JSON with the score on the test rows: accuracy or R2.
"""
import json
import sys
import time

import numpy as np
import sklearn
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score


def expand(rows, groups):
    bits = np.frombuffer("".join(rows).encode(), dtype=np.uint8).reshape(len(rows), -1) - ord("0")
    x = 1.0 - 2.0 * bits
    n = x.shape[1]
    pairs = [x[:, i] * x[:, j] for i in range(n) for j in range(i + 1, n) if groups[i] != groups[j]]
    return np.column_stack([x, *pairs])


def score(model, x, y, classes):
    prediction = model.predict(x)
    if classes:
        return float(np.mean((prediction < 0) == (y < 0)))
    return float(r2_score(y, prediction))


def main():
    with open(sys.argv[1]) as file:
        data = json.load(file)
    train = expand(data["training"]["rows"], data["groups"])
    test = expand(data["test"]["rows"], data["groups"])
    y_train, y_test = (np.array(data[part]["target"], dtype=float) for part in ("training", "test"))
    result = {"ok": True, "columnCount": train.shape[1], "version": sklearn.__version__}
    for name, alphas in {"narrow": None, "wide": np.logspace(-3, 4, 15)}.items():
        start = time.perf_counter()
        model = (RidgeCV() if alphas is None else RidgeCV(alphas=alphas)).fit(train, y_train)
        seconds = time.perf_counter() - start
        result[name] = {
            "score": score(model, test, y_test, data["classes"]),
            "trainingScore": score(model, train, y_train, data["classes"]),
            "alpha": float(model.alpha_),
            "fitSeconds": seconds,
        }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
