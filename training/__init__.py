"""What runs inside SageMaker: the launcher, the jobs `train` and `evaluate`, and the server that travels with a model.

A model is a folder `training/models/<name>/` with a `contract.yaml` and, if the default estimator is not enough, a
`model.py` with one function:

    def build(contract: Contract, params: Mapping[str, Any]) -> estimator

The estimator follows scikit-learn: `fit(X, y)`, then `predict_proba(X)` for classification or `predict(X)` for
regression, and skl2onnx must be able to convert it, for only ONNX is served. It is handed

* X: a pandas DataFrame, one column per feature, in the contract's order and under its names. Integers, floats and
  booleans are float32 with NaN where a value is missing; categories are texts, with `training.features.MISSING` where a
  value is missing. Served requests may hold categories that training never saw: encode with `handle_unknown`.
* y: for classification the int64 position of the row's label in the list of classes (the contract's order for a
  category with `values`, sorted otherwise; of two classes the second is the positive one), for regression the target
  as float64.

Every `random_state` that is None is set to the contract's seed, so that the same data gives the same bytes.
"""
