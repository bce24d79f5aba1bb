#!/usr/bin/python3
"""scikit-learn beside `npm run corpus -- folder --peers`: what an ordinary user would type, on the same two files.

    /usr/bin/python3 bench/peers/sklearn_corpus.py fit.csv rest.csv target regression|binary|multiclass folder seed

Logistic regression or ridge (its penalty chosen by RidgeCV) on scaled numbers and one-hot categories, a random forest and
histogram gradient boosting on ordinal codes, all with their defaults. A missing number becomes the median (boosting
takes it as it is), a missing category one of its own. Writes a file of predictions for each into the folder, in the form of
`fewfire predict`, and prints one line of JSON: name, file, seconds.
"""
import csv
import json
import os
import sys
import time
import warnings

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler


def read(path, target):
    data = pd.read_csv(path, converters={target: str})
    return data.drop(columns=[target]), data[target]


def pipelines(numbers, categories, classes, seed):
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    median = SimpleImputer(strategy="median")
    linear = make_column_transformer(
        (make_pipeline(median, StandardScaler()), numbers), (OneHotEncoder(handle_unknown="ignore"), categories)
    )
    forest = make_column_transformer((median, numbers), (codes, categories))
    boosting = make_column_transformer(("passthrough", numbers), (codes, categories))
    if classes:
        return {
            "logistic": make_pipeline(linear, LogisticRegression(max_iter=1000)),
            "forest": make_pipeline(forest, RandomForestClassifier(random_state=seed)),
            "boosting": make_pipeline(boosting, HistGradientBoostingClassifier(random_state=seed)),
        }
    return {
        "ridge": make_pipeline(linear, RidgeCV(alphas=np.logspace(-3, 4, 15))),
        "forest": make_pipeline(forest, RandomForestRegressor(random_state=seed)),
        "boosting": make_pipeline(boosting, HistGradientBoostingRegressor(random_state=seed)),
    }


def main():
    fit_file, rest_file, target, kind, folder, seed = sys.argv[1:]
    classes = kind != "regression"
    warnings.filterwarnings("ignore")
    x, y = read(fit_file, target)
    x_rest, _ = read(rest_file, target)
    numbers = [name for name in x if x[name].dtype.kind in "iuf" and x_rest[name].dtype.kind in "iuf"]
    categories = [name for name in x if name not in numbers]
    for part in (x, x_rest):
        for name in categories:
            part[name] = part[name].map(lambda cell: "missing" if pd.isna(cell) else str(cell))
    if not classes:
        y = y.astype(float)
    done = []
    for name, model in pipelines(numbers, categories, classes, int(seed)).items():
        started = time.perf_counter()
        model.fit(x, y)
        predicted = model.predict(x_rest)
        seconds = time.perf_counter() - started
        file = f"peer-{name}.csv"
        with open(os.path.join(folder, file), "w", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            if classes:
                writer.writerow(["prediction", *(f"probability_{c}" for c in model.classes_)])
                for label, row in zip(predicted, model.predict_proba(x_rest)):
                    writer.writerow([label, *(repr(float(p)) for p in row)])
            else:
                writer.writerow(["prediction"])
                writer.writerows([[repr(float(value))] for value in predicted])
        done.append({"name": name, "file": file, "seconds": seconds})
    print(json.dumps(done))


main()
