#!/usr/bin/python3
"""Makes the golden files of this folder with scikit-learn: what our fits and scores must equal.

    /usr/bin/python3 packages/core/test/goldens/make-goldens.py [output folder]

Everything is seeded. Bits are written one string per row, bit 1 is x = -1, and a term is the list of its coordinates
(the empty list is the intercept). lambda is scikit-learn's alpha: the objective is the *sum* of squares plus alpha
times the sum of squared coefficients, intercept free. Every solution is checked here against a second, independent
solver before it is written, so that a golden is not just one library's rounding.
"""
import csv
import json
import os
import sys
from itertools import combinations

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # the same sums in the same order everywhere

import numpy as np
import scipy
import sklearn
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error, r2_score, roc_auc_score
from sklearn.preprocessing import PolynomialFeatures

HERE = os.path.dirname(os.path.abspath(__file__))
MADE_BY = {
    "script": "packages/core/test/goldens/make-goldens.py",
    "python": ".".join(map(str, sys.version_info[:3])),
    "numpy": np.__version__,
    "scipy": scipy.__version__,
    "scikit-learn": sklearn.__version__,
}


def write(folder, name, about, content):
    text = json.dumps({"about": about, "madeBy": MADE_BY, **content}, separators=(",", ":"))
    path = os.path.join(folder, name)
    with open(path, "w", newline="\n") as file:
        file.write(text + "\n")
    print(f"{path}: {os.path.getsize(path):,} bytes")


def biased_correlated_bits(rng, m, n):
    """Bits with yes-shares from 0.3 to 0.7 and neighbours that agree too often: a threshold on an autoregressive chain."""
    z = np.empty((m, n))
    z[:, 0] = rng.standard_normal(m)
    for j in range(1, n):
        z[:, j] = 0.5 * z[:, j - 1] + np.sqrt(0.75) * rng.standard_normal(m)
    return (z > np.linspace(-0.5, 0.5, n)).astype(np.int64)


def design(bits, degree):
    """All parities of degree 1..degree in x = 1 - 2 bit, and their subsets; the intercept is the solver's."""
    expansion = PolynomialFeatures(degree, interaction_only=True, include_bias=False)
    columns = expansion.fit_transform((1 - 2 * bits).astype(np.float64))
    return columns, [np.flatnonzero(powers).tolist() for powers in expansion.powers_]


def problem(name, seed, n, degree, m):
    rng = np.random.default_rng(seed)
    bits = biased_correlated_bits(rng, m, n)
    columns, subsets = design(bits, degree)
    truth = np.where(rng.random(len(subsets)) < 0.2, rng.normal(0, 1, len(subsets)), 0)
    # Rounded so that the file holds exactly what was fitted.
    y = np.round(0.7 + columns @ truth + 0.5 * rng.standard_normal(m), 4)
    full = np.column_stack([np.ones(m), columns])
    assert np.linalg.matrix_rank(full) == full.shape[1], f"{name}: dependent columns have no unique answer"
    condition = float(np.linalg.cond(full))
    print(f"{name}: {m} rows, {full.shape[1]} terms, condition number {condition:.1f}")
    shared = {
        "name": name,
        "coordinateCount": n,
        "degree": degree,
        "sampleCount": m,
        "conditionNumber": condition,
        "rows": ["".join(map(str, row)) for row in bits.tolist()],
        "y": y.tolist(),
        "subsets": [[]] + subsets,
    }
    return shared, columns, y


def agree(what, a, b, tolerance=1e-10):
    worst = float(np.max(np.abs(np.asarray(a) - np.asarray(b))))
    assert worst < tolerance, f"{what}: two solvers differ by {worst}"


def least_squares(columns, y):
    fit = LinearRegression().fit(columns, y)
    coefficients = np.concatenate([[fit.intercept_], fit.coef_])
    other = np.linalg.lstsq(np.column_stack([np.ones(len(y)), columns]), y, rcond=None)[0]
    agree("least squares", coefficients, other)
    return coefficients


def ridge(columns, y, alpha):
    fit = Ridge(alpha=alpha, solver="cholesky").fit(columns, y)
    coefficients = np.concatenate([[fit.intercept_], fit.coef_])
    # The same objective as a least-squares problem with rows sqrt(alpha) e_j, none for the intercept.
    k = columns.shape[1]
    extended = np.zeros((len(y) + k, k + 1))
    extended[: len(y), 0] = 1
    extended[: len(y), 1:] = columns
    extended[len(y) :, 1:] = np.sqrt(alpha) * np.eye(k)
    other = np.linalg.lstsq(extended, np.concatenate([y, np.zeros(k)]), rcond=None)[0]
    agree(f"ridge {alpha}", coefficients, other)
    return other


def logistic(columns, y, weights, alpha):
    """y is -1 (a yes) or +1; coefficients of p, the log-odds of +1; alpha = 0 is maximum likelihood."""
    fit = LogisticRegression(
        penalty="l2" if alpha > 0 else None, C=1 / alpha if alpha > 0 else 1.0, solver="newton-cholesky", tol=1e-12, max_iter=1000
    ).fit(columns, y, sample_weight=weights)
    assert fit.classes_.tolist() == [-1, 1]
    coefficients = np.concatenate([fit.intercept_, fit.coef_[0]])
    # The same objective by plain Newton steps.
    full = np.column_stack([np.ones(len(y)), columns])
    penalty = alpha * np.diag([0.0] + [1.0] * columns.shape[1])
    other = np.zeros(full.shape[1])
    for _ in range(50):
        s = 1 / (1 + np.exp(-(full @ other)))
        gradient = full.T @ (weights * (s - (y > 0))) + penalty @ other
        other = other - np.linalg.solve(full.T @ (full * (weights * s * (1 - s))[:, None]) + penalty, gradient)
    agree(f"logistic {alpha}", coefficients, other, 1e-7)
    return other


def make_logistic(folder):
    problems = []
    for name, seed, n, degree, m, weighted in [
        ("degree-2", 5, 8, 2, 500, False),
        ("degree-2, weighted", 6, 8, 2, 500, True),
        ("degree-3", 7, 9, 3, 1200, False),
    ]:
        shared, columns, values = problem(name, seed, n, degree, m)
        rng = np.random.default_rng(100 + seed)
        log_odds = (values - values.mean()) / values.std()
        y = np.where(rng.random(m) < 1 / (1 + np.exp(-log_odds)), 1, -1)
        # Some rows of weight 0: predicted, not fitted.
        weights = rng.integers(0, 5, m) / 2 if weighted else np.ones(m)
        shared.update(y=y.tolist(), **({"weights": weights.tolist()} if weighted else {}))
        fits = []
        for alpha in [0, 0.1, 10, 300]:
            coefficients = logistic(columns, y.astype(np.float64), weights, alpha)
            values = coefficients[0] + columns @ coefficients[1:]
            probability = 1 / (1 + np.exp(-values))
            loss = float(log_loss(y, np.column_stack([1 - probability, probability]), sample_weight=weights))
            fits.append({"lambda": alpha, "coefficients": coefficients.tolist(), "logLoss": loss})
        problems.append({**shared, "fits": fits})
    write(
        folder,
        "logistic.json",
        "rows: bit 1 is x = -1; y -1 is a yes; coefficients of the log-odds of +1 in the order of subsets, the first is"
        " the intercept, not penalised; lambda is 1/C of scikit-learn, 0 no penalty; logLoss in nats",
        {"problems": problems},
    )


def sparse_problem(name, seed, n, degree, m):
    """Fewer rows than terms, few of them true: what the lasso is for."""
    rng = np.random.default_rng(seed)
    bits = biased_correlated_bits(rng, m, n)
    columns, subsets = design(bits, degree)
    assert len(subsets) > m
    truth = np.where(rng.random(len(subsets)) < 0.02, rng.normal(0, 1, len(subsets)), 0)
    y = np.round(-1.3 + columns @ truth + 0.5 * rng.standard_normal(m), 4)
    weights = np.round(rng.uniform(0, 2, m), 2)
    weights[::7] = 0  # rows that are only predicted
    shared = {
        "name": name,
        "coordinateCount": n,
        "degree": degree,
        "sampleCount": m,
        "rows": ["".join(map(str, row)) for row in bits.tolist()],
        "y": y.tolist(),
        "weights": weights.tolist(),
        "subsets": [[]] + subsets,
    }
    return shared, columns, y, weights


def elastic_net(columns, y, weights, alpha, l1_ratio):
    settings = {"alpha": alpha, "tol": 1e-14, "max_iter": 1_000_000}
    model = Lasso(**settings) if l1_ratio == 1 else ElasticNet(l1_ratio=l1_ratio, **settings)
    fit = model.fit(columns, y, sample_weight=weights)
    # Independent of how it was solved: the conditions of the optimum, in the sense of our objective.
    w = np.ones(len(y)) if weights is None else weights
    residual = y - fit.intercept_ - columns @ fit.coef_
    assert abs(w @ residual) / w.sum() < 1e-9
    gradient = columns.T @ (w * residual) / w.sum() - alpha * (1 - l1_ratio) * fit.coef_
    l1 = alpha * l1_ratio
    missed = np.where(fit.coef_ != 0, abs(gradient - l1 * np.sign(fit.coef_)), np.maximum(0, abs(gradient) - l1))
    assert missed.max() < 1e-8, f"alpha {alpha}, l1_ratio {l1_ratio}: conditions missed by {missed.max()}"
    return np.concatenate([[fit.intercept_], fit.coef_])


def make_elastic_net(folder):
    problems = []
    for shared, columns, y, weights in [
        sparse_problem("degree-2", 5, 20, 2, 150),
        sparse_problem("degree-3", 6, 12, 3, 200),
    ]:
        fits = [
            {
                "lambda": alpha,
                "l1Ratio": l1_ratio,
                "weighted": weighted,
                "coefficients": elastic_net(columns, y, weights if weighted else None, alpha, l1_ratio).tolist(),
            }
            for weighted in [False, True]
            for alpha, l1_ratio in [(0.3, 1), (0.08, 1), (0.2, 0.5), (0.1, 0.9)]
        ]
        problems.append({**shared, "fits": fits})
    write(
        folder,
        "elastic-net.json",
        "rows: bit 1 is x = -1; coefficients in the order of subsets, the first is the intercept, not penalised; lambda and "
        "l1Ratio are scikit-learn's alpha and l1_ratio, the objective per unit of weight",
        {"problems": problems},
    )


READS_AS_NO = {"n", "no", "false", "f", "0", "absent"}
READS_AS_YES = {"y", "yes", "true", "t", "1"}


def encode(header, rows, target):
    """The encoder's rules on text columns, written a second time: see "Meaning of a yes" in the documentation."""
    names, groups, columns, yes_values = [], [], [], {}
    for j, name in enumerate(header):
        if name == target:
            continue
        cells = [row[j] for row in rows]
        counts = {value: cells.count(value) for value in sorted(set(cells))}
        if len(counts) == 2:
            first, second = counts
            no, yes = (second, first) if second in READS_AS_NO and first not in READS_AS_NO else (first, second)
            chosen = [yes]
            yes_values[name] = yes
        else:
            # Most frequent first (sorted is stable: ties keep the smaller string first); the first is the reference.
            chosen = sorted(counts, key=lambda value: -counts[value])[1:]
        for value in chosen:
            names.append(name if len(counts) == 2 and value in READS_AS_YES else f"{name}={value}")
            groups.append(j)
            columns.append([1 if cell == value else 0 for cell in cells])
    return names, groups, np.array(columns).T, yes_values


def make_chess(folder):
    with open(os.path.join(HERE, "../../../../examples/chess-kr-vs-kp.csv"), newline="") as file:
        header, *rows = list(csv.reader(file))
    names, groups, bits, yes_values = encode(header, rows, "class")
    x = 1.0 - 2.0 * bits
    n = len(names)
    y = np.array([-1.0 if row[header.index("class")] == "won" else 1.0 for row in rows])
    subsets = [[j] for j in range(n)]
    subsets += [[i, j] for i, j in combinations(range(n), 2) if groups[i] != groups[j]]
    columns = np.column_stack([np.prod(x[:, s], axis=1) for s in subsets])
    alpha = 10.0
    coefficients = ridge(columns, y, alpha)
    predictions = coefficients[0] + columns @ coefficients[1:]
    accuracy = float(np.mean(np.sign(predictions) == y))
    # Columns that are equal on all rows get equal coefficients: round before ordering, then order by subset.
    size = np.round(np.abs(coefficients[1:]), 9)
    order = sorted(range(len(subsets)), key=lambda s: (-size[s], subsets[s]))
    assert size[order[19]] - size[order[20]] > 1e-6, "the 20th and 21st terms are as good as equal"
    print(f"chess: {n} coordinates, {1 + len(subsets)} terms, training accuracy {accuracy:.4f}")
    write(
        folder,
        "chess-ridge.json",
        "examples/chess-kr-vs-kp.csv, class won = yes = -1; ridge on all single coordinates and pairs but the pair"
        " within katri; the 20 largest terms beside the intercept, and the fitted values of the first 50 rows",
        {
            "lambda": alpha,
            "sampleCount": len(y),
            "coordinates": names,
            "yesValues": yes_values,
            "termCount": 1 + len(subsets),
            "intercept": float(coefficients[0]),
            "terms": [{"subset": subsets[s], "coefficient": float(coefficients[1 + s])} for s in order[:20]],
            "coefficientSumOfSquares": float(np.sum(coefficients[1:] ** 2)),
            "trainingAccuracy": accuracy,
            "trainingMse": float(np.mean((predictions - y) ** 2)),
            "predictions": predictions[:50].tolist(),
        },
    )


def make_metrics(folder):
    rng = np.random.default_rng(4)
    classes, numbers = [], []

    def add_classes(name, labels, probabilities):
        """labels 1 = positive; probabilities of the positive class, which the AUC also takes as scores."""
        labels, probabilities = np.asarray(labels), np.asarray(probabilities, dtype=np.float64)
        classes.append(
            {
                "name": name,
                "labels": labels.tolist(),
                "probabilities": probabilities.tolist(),
                "accuracy": float(accuracy_score(labels, (probabilities > 0.5).astype(int))),
                "auc": float(roc_auc_score(labels, probabilities)),
                "logLoss": float(log_loss(labels, np.column_stack([1 - probabilities, probabilities]))),
            }
        )

    def add_numbers(name, y, predictions):
        numbers.append(
            {
                "name": name,
                "y": list(map(float, y)),
                "predictions": list(map(float, predictions)),
                "mse": float(mean_squared_error(y, predictions)),
                "r2": float(r2_score(y, predictions)),
            }
        )

    labels = rng.integers(0, 2, 60)
    noisy = np.clip(0.3 + 0.4 * labels + 0.25 * rng.standard_normal(60), 0.01, 0.99)
    add_classes("distinct scores", labels, np.round(noisy, 6))
    add_classes("ties within and across classes", labels, np.clip(np.round(noisy, 1), 0.1, 0.9))
    add_classes("all scores equal", [0, 1, 1, 0, 1], [0.6] * 5)
    add_classes("perfect", [0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    add_classes("upside down", [1, 1, 0, 0], [0.1, 0.2, 0.8, 0.9])
    add_classes("one positive among many", [0] * 19 + [1], np.round(np.linspace(0.05, 0.62, 20), 4))
    add_classes("a probability of exactly one half counts as no", [0, 1, 1, 0], [0.5, 0.5, 0.7, 0.3])

    y = np.round(rng.normal(3, 2, 40), 4)
    add_numbers("close", y, np.round(y + 0.3 * rng.standard_normal(40), 4))
    add_numbers("worse than the mean", y, np.round(-y, 4))
    add_numbers("exact", y, y)
    add_numbers("the mean of the same rows", [1, 2, 3, 6], [3, 3, 3, 3])
    add_numbers("large offset", np.round(1e6 + y, 4), np.round(1e6 + y + 0.5, 4))
    write(
        folder,
        "metrics.json",
        "labels 1 = positive; accuracy calls a probability above 0.5 positive; logLoss in nats",
        {"classes": classes, "numbers": numbers},
    )


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else HERE
    os.makedirs(folder, exist_ok=True)
    squares, ridges = [], []
    for shared, columns, y in [problem("degree-2", 2, 12, 2, 600), problem("degree-3", 3, 12, 3, 1500)]:
        squares.append({**shared, "coefficients": least_squares(columns, y).tolist()})
        fits = [{"lambda": alpha, "coefficients": ridge(columns, y, alpha).tolist()} for alpha in [0.1, 10, 300]]
        ridges.append({**shared, "fits": fits})
    about = "rows: bit 1 is x = -1; coefficients in the order of subsets, the first is the intercept"
    write(folder, "least-squares.json", about, {"problems": squares})
    write(folder, "ridge.json", about + ", not penalised; lambda is scikit-learn's alpha", {"problems": ridges})
    make_elastic_net(folder)
    make_chess(folder)
    make_metrics(folder)
    make_logistic(folder)


if __name__ == "__main__":
    main()
