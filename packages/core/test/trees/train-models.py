"""Trains 40 small XGBoost models of every kind that is imported, and writes them with rows and the original's answers.

    /usr/bin/python3 packages/core/test/trees/train-models.py folder

Per model there is <name>.json or <name>.ubj as save_model writes it, and <name>.answers.json: rows (at thresholds, single
steps beside, missing, categories never seen), margins, values of predict, and the leaf of every tree, as its place among
the leaves from left to right. Models that stopped early answer as predict of the scikit-learn interface does. Nothing of
this is committed: xgboost-models.python.test.ts runs it where Debian's XGBoost is.
"""
import json
import os
import sys

import numpy as np
import pandas
import xgboost

OUTPUT = sys.argv[1]
COUNT = 260


def numbers(rng, missing=0.1, columns=5):
    x = np.column_stack([
        rng.normal(size=(COUNT, columns - 3)),
        rng.integers(0, 6, size=COUNT),
        rng.uniform(-1e3, 1e3, size=COUNT),
        rng.integers(0, 2, size=COUNT),
    ])
    x[rng.random(x.shape) < missing] = np.nan
    return x


def signal(x):
    f = np.nan_to_num(x)
    return f[:, 0] * (f[:, -3] > 2) + np.sin(2 * f[:, 1]) + f[:, -2] / 500 + 0.7 * f[:, -1]


def with_categories(rng, sizes, missing=0.1):
    """Numbers, then one column of category numbers for each size; the effect of a category is random."""
    x = numbers(rng, missing)
    y = signal(x)
    for size in sizes:
        column = np.minimum(rng.geometric(3 / (size + 2), size=COUNT) - 1, size - 1)
        y = y + rng.normal(size=size)[column] * (1 + (np.nan_to_num(x[:, 0]) > 0))
        cells = column.astype(float)
        cells[rng.random(COUNT) < missing] = np.nan
        x = np.column_stack([x, cells])
    return x, y, ["q"] * 5 + ["c"] * len(sizes)


def inner(model):
    booster = model["learner"]["gradient_booster"]
    return booster["gbtree"]["model"] if booster["name"] == "dart" else booster["model"]


def test_rows(x, model, types, rng, count=90):
    """Training rows, some of their cells at a threshold, a single-precision step beside, missing, or no known category."""
    thresholds = {}
    for tree in inner(model)["trees"]:
        kinds = tree.get("split_type", [0] * len(tree["left_children"]))
        for left, feature, condition, kind in zip(tree["left_children"], tree["split_indices"], tree["split_conditions"], kinds):
            if left >= 0 and kind == 0:
                thresholds.setdefault(feature, set()).add(condition)
    rows = x[rng.integers(len(x), size=count)].astype(np.float64)
    for row in rows:
        for feature in range(len(row)):
            if rng.random() < 0.5:
                continue
            if types is not None and types[feature] == "c":
                row[feature] = rng.choice([np.nan, 0, 1, 2, 2.7, 31, 32, 33, 63, 64, 100, 1000, 16777215, 16777216, 1e9, -1, -0.5])
            elif feature in thresholds:
                t = np.float32(rng.choice(sorted(thresholds[feature])))
                below, above = (np.nextafter(t, np.float32(side)) for side in (-np.inf, np.inf))
                middle = (np.float64(t) + np.float64(below)) / 2
                step = 1e-3 * (np.float64(t) - middle)
                row[feature] = rng.choice([t, below, above, middle + step, middle - step, np.nan])
    return np.vstack([x[:30], rows])


def leaf_places(tree):
    """The place of each leaf's node, counted from left to right."""
    places, stack = {}, [0]
    while stack:
        node = stack.pop()
        if tree["left_children"][node] == -1:
            places[node] = len(places)
        else:
            stack += [tree["right_children"][node], tree["left_children"][node]]
    return places


def write(name, booster, x, types, rng, rounds=None, ending="json"):
    model = json.loads(booster.save_raw("json"))
    rows = test_rows(x, model, types, rng)
    data = xgboost.DMatrix(rows, feature_names=booster.feature_names, feature_types=booster.feature_types)
    scope = {"iteration_range": (0, rounds)} if rounds is not None else {}
    leaves = booster.predict(data, pred_leaf=True, strict_shape=True, **scope).reshape(len(rows), -1).astype(int)
    places = [leaf_places(tree) for tree in inner(model)["trees"]]
    answers = {
        "version": xgboost.__version__,
        "rows": [[None if np.isnan(v) else float(v) for v in row] for row in rows],
        "margins": booster.predict(data, output_margin=True, strict_shape=True, **scope).astype(np.float64).tolist(),
        "values": booster.predict(data, strict_shape=True, **scope).astype(np.float64).tolist(),
        "leaves": [[places[t][leaf] for t, leaf in enumerate(row)] for row in leaves],
        # Of several outputs the trees take turns.
        "trees": inner(model)["tree_info"][: leaves.shape[1]],
    }
    booster.save_model(os.path.join(OUTPUT, f"{name}.{ending}"))
    with open(os.path.join(OUTPUT, f"{name}.answers.json"), "w") as file:
        json.dump(answers, file)


def train(x, y, rounds, parameters, types=None, names=None, **fields):
    data = xgboost.DMatrix(x, label=y, feature_types=types, feature_names=names, enable_categorical=True, **fields)
    return xgboost.train({"nthread": 1, "seed": 5, **parameters}, data, rounds)


def main():
    made = 0

    def one(name, parameters, rounds=8, label=None, sizes=(), missing=0.1, names=None, fields=None, group=None):
        nonlocal made
        made += 1
        rng = np.random.default_rng(100 + made)
        x, y, types = with_categories(rng, sizes, missing)
        noise = y + 0.2 * rng.normal(size=COUNT)
        target = noise if label is None else label(noise, rng)
        booster = train(x, target, rounds, {"tree_method": "hist", "max_depth": 4, **parameters}, types if sizes else None, names, **(fields(noise) if fields else {}))
        # Every other model in the binary form.
        write(f"{made:02d}-{name}", booster, x, types, rng, ending="ubj" if made % 2 == 0 else "json")

    yes = lambda y, rng: (y > 0.5).astype(float)
    three = lambda y, rng: np.digitize(y, [-0.5, 1]).astype(float)
    positive = lambda y, rng: np.exp(y / 3) + 0.01
    count = lambda y, rng: rng.poisson(np.exp(y / 3)).astype(float)
    censored = lambda y, rng: np.exp(y / 3) * np.where(rng.random(COUNT) < 0.3, -1, 1)

    one("squared-exact", {"objective": "reg:squarederror", "tree_method": "exact"})
    one("squared-hist", {"objective": "reg:squarederror", "max_bin": 16})
    one("squared-approx", {"objective": "reg:squarederror", "tree_method": "approx", "base_score": -3.5})
    one("squared-deep", {"objective": "reg:squarederror", "max_depth": 12, "min_child_weight": 0.1}, rounds=4)
    one("squared-lossguide", {"objective": "reg:squarederror", "grow_policy": "lossguide", "max_leaves": 9, "max_depth": 0})
    one("squared-no-missing", {"objective": "reg:squarederror"}, missing=0)
    one("squared-mostly-missing", {"objective": "reg:squarederror"}, missing=0.6)
    one("squared-pruned", {"objective": "reg:squarederror", "tree_method": "exact", "gamma": 5})
    one("squared-forest", {"objective": "reg:squarederror", "num_parallel_tree": 4, "subsample": 0.5, "eta": 1}, rounds=1)
    one("squared-monotone", {"objective": "reg:squarederror", "monotone_constraints": "(1,0,0,0,-1)"})
    one("squared-names", {"objective": "reg:squarederror"}, names=["größe, m", 'a "b"', "c d", "f0", "x1"])
    one("huber", {"objective": "reg:pseudohubererror"})
    one("absolute", {"objective": "reg:absoluteerror"})
    one("squared-log", {"objective": "reg:squaredlogerror"}, label=positive)
    one("binary", {"objective": "binary:logistic", "base_score": 0.3}, label=yes)
    one("binary-weighted", {"objective": "binary:logistic", "scale_pos_weight": 4, "lambda": 0}, label=yes)
    one("logit-raw", {"objective": "binary:logitraw"}, label=yes)
    one("hinge", {"objective": "binary:hinge"}, label=yes)
    one("logistic-regression", {"objective": "reg:logistic"}, label=lambda y, rng: 1 / (1 + np.exp(-y)))
    one("poisson", {"objective": "count:poisson", "base_score": 1.5}, label=count)
    one("gamma", {"objective": "reg:gamma"}, label=positive)
    one("tweedie", {"objective": "reg:tweedie"}, label=count)
    one("cox", {"objective": "survival:cox"}, label=censored)
    one("aft", {"objective": "survival:aft"}, fields=lambda y: {"label_lower_bound": np.exp(y / 3), "label_upper_bound": np.exp(y / 3) + 0.5})
    one("pairwise", {"objective": "rank:pairwise"}, label=yes, fields=lambda y: {"group": [65] * 4})
    one("softmax", {"objective": "multi:softmax", "num_class": 3}, label=three)
    one("softprob", {"objective": "multi:softprob", "num_class": 3, "base_score": 0.1}, label=three)
    one("softprob-forest", {"objective": "multi:softprob", "num_class": 3, "num_parallel_tree": 2, "subsample": 0.6}, rounds=4, label=three)
    one("dart", {"booster": "dart", "rate_drop": 0.4, "objective": "reg:squarederror"}, rounds=12)
    one("dart-softprob", {"booster": "dart", "rate_drop": 0.4, "objective": "multi:softprob", "num_class": 3, "normalize_type": "forest"}, label=three)
    one("one-hot", {"objective": "reg:squarederror", "max_cat_to_onehot": 100}, sizes=(4, 7))
    one("sets", {"objective": "reg:squarederror", "max_cat_to_onehot": 1}, sizes=(4, 12))
    one("sets-of-many", {"objective": "reg:squarederror", "max_cat_to_onehot": 1, "max_cat_threshold": 40}, sizes=(90,))
    one("sets-approx", {"objective": "binary:logistic", "tree_method": "approx", "max_cat_to_onehot": 3}, label=yes, sizes=(3, 40))
    one("sets-softprob", {"objective": "multi:softprob", "num_class": 3, "max_cat_to_onehot": 2}, label=three, sizes=(9,))
    one("sets-dart", {"booster": "dart", "rate_drop": 0.3, "objective": "binary:logistic", "max_cat_to_onehot": 1}, label=yes, sizes=(20, 3))

    # Early stopping, as the scikit-learn interface predicts: of numbers, of classes, and with columns of pandas categories.
    rng = np.random.default_rng(7)
    x, y, _ = with_categories(rng, ())
    noise = y + rng.normal(size=COUNT)
    stop = {"n_estimators": 60, "early_stopping_rounds": 4, "n_jobs": 1, "learning_rate": 0.7, "tree_method": "hist"}
    regressor = xgboost.XGBRegressor(**stop).fit(x[:160], noise[:160], eval_set=[(x[160:], noise[160:])], verbose=False)
    write("37-early", regressor.get_booster(), x, None, rng, regressor.best_iteration + 1)
    labels = np.digitize(noise, [-0.5, 1])
    classifier = xgboost.XGBClassifier(**stop).fit(x[:160], labels[:160], eval_set=[(x[160:], labels[160:])], verbose=False)
    write("38-early-classes", classifier.get_booster(), x, None, rng, classifier.best_iteration + 1, "ubj")
    x, y, types = with_categories(rng, (5, 30))
    frame = pandas.DataFrame({f"c{f}": pandas.Categorical(x[:, f]) if types[f] == "c" else x[:, f] for f in range(x.shape[1])})
    frame["flag"] = x[:, 4] == 1
    regressor = xgboost.XGBRegressor(enable_categorical=True, **{**stop, "tree_method": "approx"})
    regressor.fit(frame[:160], y[:160], eval_set=[(frame[160:], y[160:])], verbose=False)
    flags = np.column_stack([x, x[:, 4] == 1])
    booster = regressor.get_booster()
    write("39-early-frame", booster, flags, types + ["i"], rng, regressor.best_iteration + 1, "ubj")
    # Two targets, whose trees take turns.
    x, y, _ = with_categories(rng, ())
    both = xgboost.XGBRegressor(n_estimators=5, n_jobs=1, tree_method="hist").fit(x, np.column_stack([y, rng.normal(size=COUNT) - y]))
    write("40-two-targets", both.get_booster(), x, None, rng)


if __name__ == "__main__":
    main()
