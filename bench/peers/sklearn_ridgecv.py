#!/usr/bin/python3
"""scikit-learn's side of the real-data benchmark: RidgeCV on all products of at most two coordinates.

    /usr/bin/python3 bench/peers/sklearn_ridgecv.py fold.json

fold.json: {"classes": bool, "groups": [...], "training": {"rows": ["0110...", ...], "target": [...]}, "test": the same}.
Bit 1 is x = -1; products of two coordinates of one group are redundant and left out. A penalty depends on how a yes is
written, so both ways are tried: -1/+1 (signs) and 0/1 (bits). Classes are -1 and +1, predicted by the sign. RidgeCV
chooses alpha by leaving one row out (its default, exact), once from its own alphas (narrow) and once from 15 alphas
between 1e-3 and 1e4 (wide). Prints one line of JSON with the scores on the test rows: accuracy or R2.
"""
import json
import sys
import time

import numpy as np
import sklearn
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score


def expand(rows, groups, form):
    bits = np.frombuffer("".join(rows).encode(), dtype=np.uint8).reshape(len(rows), -1) - ord("0")
    x = 1.0 - 2.0 * bits if form == "signs" else bits.astype(float)
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
    y_train, y_test = (np.array(data[part]["target"], dtype=float) for part in ("training", "test"))
    result = {"ok": True, "version": sklearn.__version__, "fits": []}
    for form in ("signs", "bits"):
        train, test = (expand(data[part]["rows"], data["groups"], form) for part in ("training", "test"))
        result["columnCount"] = train.shape[1]
        for grid, alphas in {"narrow": None, "wide": np.logspace(-3, 4, 15)}.items():
            start = time.perf_counter()
            model = (RidgeCV() if alphas is None else RidgeCV(alphas=alphas)).fit(train, y_train)
            fit = {"form": form, "grid": grid, "fitSeconds": time.perf_counter() - start, "alpha": float(model.alpha_)}
            fit["score"] = score(model, test, y_test, data["classes"])
            fit["trainingScore"] = score(model, train, y_train, data["classes"])
            result["fits"].append(fit)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
