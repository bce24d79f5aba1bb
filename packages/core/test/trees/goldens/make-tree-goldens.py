"""Makes the *.json beside it: small XGBoost models with rows, margins and classes, and the same trees as ONNX.

    /usr/bin/python3 packages/core/test/trees/goldens/make-tree-goldens.py [output folder]

XGBoost is the oracle of both (margins with output_margin=True). Where categories are split by, thresholds are NaN, which
is no JSON: there the model is the text as saved, with the UBJSON beside. The ONNX file is written from the XGBoost trees with all
four comparisons in turn: for single-precision x, x < t is x <= (the number before t).
"""
import base64
import csv
import json
import os
import sys
import tempfile

import numpy as np
import onnx
import xgboost
from onnx import TensorProto, helper

HERE = os.path.dirname(os.path.abspath(__file__))
OUTPUT = sys.argv[1] if len(sys.argv) > 1 else HERE
MADE_BY = {"xgboost": xgboost.__version__, "onnx": onnx.__version__, "numpy": np.__version__}


def train(x, y, rounds, parameters, names=None, types=None):
    data = xgboost.DMatrix(x, label=y, feature_names=names, feature_types=types)
    return xgboost.train({"nthread": 1, "seed": 7, **parameters}, data, rounds)


def model_json(booster):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.json")
        booster.save_model(path)
        with open(path) as file:
            return json.load(file)


def inner(model):
    booster = model["learner"]["gradient_booster"]
    return booster["gbtree"]["model"] if booster["name"] == "dart" else booster["model"]


def edge_rows(model, x, rng, count):
    """Rows at thresholds, one single-precision step beside, at doubles that round to them, and missing."""
    thresholds = {}
    for tree in inner(model)["trees"]:
        for left, feature, condition in zip(tree["left_children"], tree["split_indices"], tree["split_conditions"]):
            if left >= 0:
                thresholds.setdefault(feature, set()).add(condition)
    rows = x[rng.integers(len(x), size=count)].astype(np.float64)
    for row in rows:
        for feature, values in thresholds.items():
            t = np.float32(rng.choice(sorted(values)))
            below = np.nextafter(t, np.float32(-np.inf))
            above = np.nextafter(t, np.float32(np.inf))
            middle = (np.float64(t) + np.float64(below)) / 2
            close = [t, below, above, middle + 1e-3 * (np.float64(t) - middle), middle - 1e-3 * (np.float64(t) - middle), np.nan]
            if rng.random() < 0.6:
                row[feature] = np.float64(close[rng.integers(len(close))])
    return rows


def onnx_model(model, kind, base, labels=None, outputs=1, transform="NONE"):
    columns = {key: [] for key in ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids", "missing_value_tracks_true")}
    leaf_trees, leaf_nodes, leaf_ids, leaf_weights = [], [], [], []
    branches = 0
    content = inner(model)
    for t, tree in enumerate(content["trees"]):
        for i, left in enumerate(tree["left_children"]):
            right = tree["right_children"][i]
            condition = np.float32(tree["split_conditions"][i])
            if left < 0:
                row = (t, i, 0, "LEAF", 0.0, 0, 0, 0)
                leaf_trees.append(t)
                leaf_nodes.append(i)
                leaf_ids.append(content["tree_info"][t])
                leaf_weights.append(float(condition))
            else:
                mode = ("BRANCH_LT", "BRANCH_LEQ", "BRANCH_GTE", "BRANCH_GT")[branches % 4]
                branches += 1
                if mode in ("BRANCH_LEQ", "BRANCH_GT"):
                    condition = np.nextafter(condition, np.float32(-np.inf))
                to_left = mode in ("BRANCH_LT", "BRANCH_LEQ")
                default_left = bool(tree["default_left"][i])
                children = (left, right) if to_left else (right, left)
                row = (t, i, tree["split_indices"][i], mode, float(condition), *children, int(default_left == to_left))
            for key, value in zip(columns, row):
                columns[key].append(value)
    group = "class" if kind == "TreeEnsembleClassifier" else "target"
    attributes = {f"nodes_{key}": values for key, values in columns.items()}
    attributes.update({f"{group}_treeids": leaf_trees, f"{group}_nodeids": leaf_nodes, f"{group}_ids": leaf_ids, f"{group}_weights": leaf_weights})
    attributes.update({"base_values": base, "post_transform": transform})
    if group == "target":
        attributes["n_targets"] = outputs
    elif isinstance(labels[0], str):
        attributes["classlabels_strings"] = labels
    else:
        attributes["classlabels_int64s"] = labels
    names = ["label", "scores"] if group == "class" else ["scores"]
    node = helper.make_node(kind, ["X"], names, domain="ai.onnx.ml", **attributes)
    width = int(model["learner"]["learner_model_param"]["num_feature"])
    label_type = TensorProto.STRING if labels and isinstance(labels[0], str) else TensorProto.INT64
    values = [helper.make_tensor_value_info(name, label_type if name == "label" else TensorProto.FLOAT, [None] if name == "label" else [None, None]) for name in names]
    graph = helper.make_graph([node], "trees", [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, width])], values)
    made = helper.make_model(graph, producer_name="fewfire-goldens", opset_imports=[helper.make_opsetid("", 15), helper.make_opsetid("ai.onnx.ml", 3)])
    onnx.checker.check_model(made)
    return base64.b64encode(made.SerializeToString()).decode()


def write(name, booster, rows, model, onnx_base64=None, classes=None, rounds=0, **more):
    names, types = booster.feature_names, booster.feature_types
    data = xgboost.DMatrix(rows, feature_names=names, feature_types=types)
    margins = booster.predict(data, output_margin=True, iteration_range=(0, rounds)).astype(np.float64)
    values = booster.predict(data, iteration_range=(0, rounds)).astype(np.float64)
    record = {
        "madeBy": MADE_BY,
        "model": model,
        "onnx": onnx_base64,
        "rows": [[None if np.isnan(v) else float(v) for v in row] for row in rows],
        "margins": margins.tolist(),
        "values": values.tolist(),
        "classes": None if classes is None else classes(values).astype(int).tolist(),
        **more,
    }
    text = json.dumps(record, separators=(",", ":"))
    with open(os.path.join(OUTPUT, f"{name}.json"), "w") as file:
        file.write(text + "\n")
    print(f"{name}: {len(text)} bytes, margins {margins.min():.3f} .. {margins.max():.3f}")


def half(values):
    return values > 0.5


def chess():
    with open(os.path.join(HERE, "../../../../../examples/chess-kr-vs-kp.csv")) as file:
        header, *body = list(csv.reader(file))
    columns = list(zip(*body))
    x = np.column_stack([[float(v == max(set(c))) for v in c] for c in columns[:-1]])
    y = np.array([v == "won" for v in columns[-1]], dtype=float)
    booster = train(x, y, 12, {"objective": "binary:logistic", "max_depth": 4, "eta": 0.5, "tree_method": "hist", "base_score": 0.4}, header[:-1], ["i"] * 36)
    model = model_json(booster)
    base = [float(-np.log(np.float32(1) / np.float32(0.4) - np.float32(1)))]
    file = onnx_model(model, "TreeEnsembleClassifier", base, [0, 1], transform="LOGISTIC")
    write("chess-binary", booster, x[::32], model, file, half)


def numbers(rng, count):
    x = np.column_stack([rng.normal(size=(count, 3)), rng.integers(0, 6, size=count), rng.uniform(-1e3, 1e3, size=count), rng.integers(0, 2, size=count)])
    x[rng.random(x.shape) < 0.15] = np.nan
    return x


def regression():
    rng = np.random.default_rng(11)
    x = numbers(rng, 400)
    f = np.nan_to_num(x)
    y = f[:, 0] * (f[:, 3] > 2) + np.sin(2 * f[:, 1]) + f[:, 4] / 500 + np.isnan(x[:, 2]) + 0.1 * rng.normal(size=len(x))
    booster = train(x, y, 15, {"objective": "reg:squarederror", "max_depth": 3, "tree_method": "exact", "base_score": 0.25})
    model = model_json(booster)
    rows = np.vstack([x[:60], edge_rows(model, x, rng, 120)])
    write("numbers-regression", booster, rows, model, onnx_model(model, "TreeEnsembleRegressor", [0.25]))


def three_classes():
    rng = np.random.default_rng(12)
    x = numbers(rng, 500)
    f = np.nan_to_num(x)
    y = (f[:, 0] + f[:, 5] > 0.5).astype(int) + (f[:, 1] * f[:, 3] > 1)
    booster = train(x, y, 5, {"objective": "multi:softprob", "num_class": 3, "max_depth": 3, "tree_method": "hist", "max_bin": 16, "num_parallel_tree": 2, "subsample": 0.7})
    model = model_json(booster)
    rows = np.vstack([x[:60], edge_rows(model, x, rng, 60)])
    file = onnx_model(model, "TreeEnsembleClassifier", [0.5] * 3, ["low", "mid", "high"], transform="SOFTMAX")
    write("three-classes", booster, rows, model, file, lambda values: values.argmax(axis=1))


def poisson_small():
    """Few boolean features, so that the spectrum can be found by brute force."""
    rng = np.random.default_rng(13)
    x = rng.integers(0, 2, size=(300, 8)).astype(float)
    y = rng.poisson(1 + 2 * x[:, 0] * x[:, 1] + (x[:, 2] != x[:, 3]) + x[:, 7])
    booster = train(x, y, 8, {"objective": "count:poisson", "max_depth": 4, "eta": 0.6, "base_score": 1.5}, [f"flag{j}" for j in range(8)], ["i"] * 8)
    model = model_json(booster)
    write("flags-poisson", booster, x[:80], model, onnx_model(model, "TreeEnsembleRegressor", [float(np.log(np.float32(1.5)))]))


def dart():
    rng = np.random.default_rng(14)
    x = rng.integers(0, 2, size=(300, 6)).astype(float)
    y = (x[:, 0] + x[:, 1] * x[:, 2] + 0.3 * rng.normal(size=300) > 0.8).astype(float)
    booster = train(x, y, 10, {"booster": "dart", "rate_drop": 0.5, "objective": "binary:logistic", "max_depth": 3})
    model = model_json(booster)
    write("flags-dart", booster, x[:60], model, None, half)


def sets_early():
    """Sets of categories, one at a time and several, and an early stop; rows with categories that were never seen."""
    rng = np.random.default_rng(15)
    x = np.column_stack([rng.normal(size=300), rng.integers(0, 4, size=300), rng.integers(0, 40, size=300)])
    y = (x[:, 0] + (x[:, 1] == 2) * 2 + rng.normal(size=40)[x[:, 2].astype(int)] + 1.5 * rng.normal(size=300) > 1).astype(float)
    x[rng.random(x.shape) < 0.1] = np.nan
    names, types = ["size", "color", "city"], ["q", "c", "c"]
    data, held = (xgboost.DMatrix(x[p], label=y[p], feature_names=names, feature_types=types, enable_categorical=True) for p in (slice(200), slice(200, 300)))
    parameters = {"nthread": 1, "seed": 7, "objective": "binary:logistic", "max_depth": 3, "eta": 0.8, "tree_method": "hist", "max_cat_to_onehot": 5}
    booster = xgboost.train(parameters, data, 30, evals=[(held, "held")], early_stopping_rounds=3, verbose_eval=False)
    rows = x[:90].astype(np.float64)
    odd = [np.nan, 0, 2.7, 31, 32, 39.5, 40, 64, 1000, 16777216, 1e9, -1, -0.5]
    rows[:60, 1:] = np.where(rng.random((60, 2)) < 0.4, rng.choice(odd, size=(60, 2)), rows[:60, 1:])
    text = booster.save_raw("json").decode()
    more = {"text": text, "ubjson": base64.b64encode(booster.save_raw("ubj")).decode(), "bestRound": booster.best_iteration + 1}
    write("sets-early", booster, rows, None, None, half, booster.best_iteration + 1, **more)


if __name__ == "__main__":
    chess()
    regression()
    three_classes()
    poisson_small()
    dart()
    sets_early()
