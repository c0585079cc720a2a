"""Model code that breaks one rule at the line marked `# <-`, and code that comes close and breaks none."""

from typing import Final

HEAD: Final = """\
import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
CATEGORIES = OneHotEncoder(handle_unknown="ignore")
"""
BUILD: Final = """
def build(contract, params):
    columns = ColumnTransformer([("c", CATEGORIES, ["plan"]), ("n", StandardScaler(), ["months", "spend"])])
    return make_pipeline(columns, LogisticRegression())
"""

# Each is put between HEAD and BUILD; one that has a build of its own starts with "!" and stands alone.
BAD: Final[list[tuple[str, str]]] = [
    ("RT002", "!def build(contract, params)  # <-\n    return 1\n"),
    ("RT003", "!x = 1  # <-\n"),
    ("RT003", "!def build():  # <-\n    return 1\n"),
    ("RT003", "!async def build(contract, params):  # <-\n    return 1\n"),
    ("RT003", "!def build(contract, params, more):  # <-\n    return 1\n"),
    ("RT003", "!def build(contract, params, *, more):  # <-\n    return 1\n"),
    ("RT003", "!def build(contract, params):  # <-\n    def inner(): return 1\n"),
    ("RT101", 'PARTS = ColumnTransformer([("n", StandardScaler(), ["months", "spend", "plan",\n  "churned"])])  # <-\n'),
    ("RT101", 'COLUMNS = ["months", "spend", "plan"] + ["churned"]  # <-\nPARTS = ColumnTransformer([("n", "drop", COLUMNS)])\n'),
    ("RT101", 'def add(frame):\n    return frame["churned"] == "yes"  # <-\n'),
    ("RT101", 'import pandas as pd\ndef add(some: pd.DataFrame):\n    return some[["spend", "churned"]]  # <-\n'),
    (
        "RT101",
        "!from sklearn.compose import make_column_transformer as mct\ndef build(c, p):\n"
        '    return mct(("passthrough", [column.name for column in c.columns]))  # <-\n',
    ),
    (
        "RT101",
        "!from sklearn.compose import ColumnTransformer\ndef build(c, p):\n"
        '    return ColumnTransformer([("a", "passthrough", [c.target, "months"])])  # <-\n',
    ),
    (
        "RT101",
        "!from sklearn.compose import ColumnTransformer\ndef build(c, p):\n"
        "    names = sorted(column.name for column in c.columns)  # <-\n"
        "    return ColumnTransformer([('a', 'passthrough', names)])\n",
    ),
    (
        "RT102",
        "from sklearn.model_selection import train_test_split as split\ndef judge(X, y):\n"
        "    Z = StandardScaler().fit_transform(X)  # <-\n    return split(Z, y, random_state=0)\n",
    ),
    (
        "RT102",
        "from sklearn import model_selection as ms\ndef judge(model, X, y):\n    scaler = StandardScaler()\n"
        "    scaler.fit(X)\n    Z = scaler.transform(X)  # <-\n    return ms.cross_val_score(model, Z, y)\n",
    ),
    (
        "RT102",
        "from sklearn.model_selection import KFold\ndef judge(X):\n"
        "    X = StandardScaler().fit_transform(X)  # <-\n    return list(KFold(3).split(X))\n",
    ),
    ("RT103", "MEANS = StandardScaler().fit([[1.0], [2.0]])  # <-\n"),
    ("RT103", "!from sklearn.preprocessing import OrdinalEncoder as E\ndef build(c, p):\n    return E(handle_unknown='use_encoded_value').fit([['a']])  # <-\n"),
    ("RT201", "NOISE = np.random.rand(3)  # <-\n"),
    ("RT201", "from numpy.random import shuffle as mix\ndef add(X):\n    mix(X)  # <-\n"),
    ("RT201", "import random\nWEIGHT = random.random()  # <-\n"),
    ("RT201", "from random import choice\nWEIGHT = choice([1, 2])  # <-\n"),
    ("RT201", "RNG = np.random.default_rng()  # <-\n"),
    ("RT201", "RNG = np.random.RandomState(seed=None)  # <-\n"),
    ("RT201", "import secrets\nKEY = secrets.randbelow(3)  # <-\n"),
    ("RT201", "def some(frame):\n    return frame.sample(frac=0.5)  # <-\n"),
    ("RT201", "from scipy.stats import norm\nNOISE = norm.rvs(size=3)  # <-\n"),
    ("RT202", "from sklearn.model_selection import KFold\nCV = KFold(5, shuffle=True)  # <-\n"),
    ("RT202", "import sklearn.model_selection as ms\nCV = ms.ShuffleSplit(random_state=None)  # <-\n"),
    ("RT202", "from sklearn.model_selection import train_test_split\ndef cut(X):\n    return train_test_split(X)  # <-\n"),
    ("RT202", "def grow(X, y):\n    forest = RandomForestClassifier(5)  # <-\n    return forest.fit(X, y)\n"),
    ("RT202", "from functools import partial\nfrom sklearn.model_selection import KFold\nCV = partial(KFold, shuffle=True)  # <-\n"),
    ("RT203", "import time\nFOREST = RandomForestClassifier(random_state=int(time.time_ns()))  # <- RT504\n"),
    ("RT203", "SEED = np.random.randint(9)  # RT201\nFOREST = RandomForestClassifier(random_state=SEED)  # <-\n"),
    ("RT203", "FOREST = RandomForestClassifier(random_state=hash('churn'))  # <-\n"),
    ("RT204", "FOREST = RandomForestClassifier(n_jobs=-1)  # <-\n"),
    ("RT204", "JOBS = 4\nFOREST = RandomForestClassifier(\n    n_jobs=JOBS)  # <-\n"),
    ("RT205", 'NAMES = list({"months", "spend"})  # <-\n'),
    ("RT205", 'NAMES = [name for name in set("ab")]  # <-\n'),
    ("RT301", 'PARTS = ColumnTransformer([("n", "passthrough", ["mnths"])], remainder="passthrough")  # <-\n'),
    ("RT301", 'def add(X):\n    return X["tenure"]  # <-\n'),
    ("RT301", 'def add(X):\n    return X.drop(columns=["tenure"])  # <-\n'),
    ("RT301", 'A = ["spend"]\nPARTS = ColumnTransformer([("n", "drop", ["mnths"] + ["plan", *A])], remainder="passthrough")  # <-\n'),
    ("RT302", 'PARTS = ColumnTransformer([("n", "drop", ["customer"])], remainder="passthrough")  # <-\n'),
    ("RT302", 'PARTS = ColumnTransformer([("n", "drop", "region")], remainder="passthrough")  # <-\n'),
    ("RT302", 'PARTS = ColumnTransformer([("n", "drop", ("note", "seen_at"))], remainder="passthrough")  # <- <-\n'),
    ("RT303", 'PARTS = ColumnTransformer([("n", StandardScaler(), [0, 1])], remainder="passthrough")  # <-\n'),
    ("RT303", 'PARTS = ColumnTransformer([("n", StandardScaler(), slice(0, 2))], remainder="passthrough")  # <-\n'),
    (
        "RT304",
        "!from sklearn.compose import ColumnTransformer\ndef build(contract, params):\n"
        '    return ColumnTransformer([("n", "passthrough", ["months"])])  # <-\n',
    ),
    ("RT305", "!from sklearn.linear_model import Ridge\ndef build(contract, params):  # <-\n    return Ridge()\n"),
    ("RT306", "ENCODER = OneHotEncoder(sparse_output=False)  # <-\n"),
    ("RT306", 'from sklearn import preprocessing as pp\nENCODER = pp.OrdinalEncoder(handle_unknown="error")  # <-\n'),
    ("RT401", "from sklearn.manifold import TSNE\nFLAT = TSNE(2)  # <-\n"),
    ("RT401", "from sklearn.preprocessing import SplineTransformer as S\nT = S\nCURVES = T()  # <-\n"),
    ("RT401", "from sklearn.cluster import *\nGROUPS = DBSCAN()  # <-\n"),
    ("RT402", "from sklearn.preprocessing import FunctionTransformer\nLOG = FunctionTransformer(np.log1p)  # <-\n"),
    ("RT402", "import sklearn.preprocessing\nLOG = sklearn.preprocessing.FunctionTransformer(validate=False, func=lambda x: x)  # <-\n"),
    ("RT403", "from sklearn.base import BaseEstimator, TransformerMixin\nclass Own(TransformerMixin, BaseEstimator):  # <-\n    pass\n"),
    ("RT403", "class Own(LogisticRegression):  # <-\n    pass\n"),
    ("RT403", "class Own:  # <-\n    def fit(self, X, y): return self\n    def transform(self, X): return X\n"),
    ("RT404", "import xgboost as xgb  # <-\n"),
    ("RT404", "from .features import age  # <-\n"),
    ("RT404", "def late():\n    from retide.steps import gate  # <-\n"),
    ("RT501", "import requests  # <-\n"),
    ("RT501", "from urllib.request import urlopen  # <-\n"),
    ("RT502", 'TEXT = open("more.csv")  # <-\n'),
    ("RT502", 'import pandas as pd\nMORE = pd.read_csv("more.csv")  # <-\n'),
    ("RT502", 'from pathlib import Path\nTEXT = Path(__file__).parent.joinpath("a").read_text()  # <-\n'),
    ("RT502", "from sklearn import datasets\nMORE = datasets.load_iris()  # <-\n"),
    ("RT502", "import os\nHERE = os.getcwd()  # <-\n"),
    ("RT503", 'import os\nDEPTH = os.environ["DEPTH"]  # <-\n'),
    ("RT503", 'from os import getenv as g\nDEPTH = g("DEPTH")  # <-\n'),
    ("RT503", "import subprocess as s\ndef late():\n    s.run([])  # <-\n"),
    ("RT504", "from datetime import datetime as dt\nNOW = dt.now()  # <-\n"),
    ("RT504", "import time\nNOW = time.time()  # <-\n"),
    ("RT505", "import pickle  # <-\n"),
    ("RT505", "from joblib import load  # <-\n"),
    ("RT506", 'VALUE = eval("1")  # <-\n'),
    ("RT506", 'import importlib\nLIBRARY = importlib.import_module("xgboost")  # <-\n'),
    ("RT507", "COUNT = 0\ndef more():\n    global COUNT  # <-\n    COUNT += 1\n"),
    ("RT507", "import sklearn.metrics\nsklearn.metrics.accuracy_score = None  # <-\n"),
    ("RT507", 'SEEN = {}\ndef note(name):\n    SEEN[name] = 1  # <-\n'),
    ("RT507", "np.random.seed(0)  # <-\n"),
]  # fmt: skip

GOOD: Final[list[str]] = [
    "",
    "FOREST = RandomForestClassifier(n_estimators=5)\n",  # training sets its open random_state
    "FOREST = RandomForestClassifier(n_jobs=1, random_state=7)\n",
    "RNG = np.random.default_rng(7)\nWEIGHTS = RNG.normal(size=3)\n",
    "def noise(contract):\n    return np.random.default_rng(contract.training.seed).normal()\n",
    "import random\nRNG = random.Random(7)\nWEIGHT = RNG.random()\n",
    "from sklearn.model_selection import KFold, StratifiedKFold\nA, B = KFold(5), StratifiedKFold(shuffle=True, random_state=3)\n",
    "from sklearn.model_selection import train_test_split\ndef cut(X):\n    return train_test_split(X, shuffle=False)\n",
    "OPTIONS = {}\nFOREST = RandomForestClassifier(**OPTIONS)\n",
    "def trees(count):\n    return RandomForestClassifier(count)\n",
    "def depth(params):\n    return params['depth'] + params.get('churned', 0)\n",
    'def add(frame):\n    frame["ratio"] = frame["spend"] / frame["months"]\n    return frame["ratio"]\n',
    'def add(frame):\n    return frame.assign(rate=1)["spend"]\n',
    'PARTS = ColumnTransformer([("n", "passthrough", ["n__months"])], remainder="passthrough")\n',
    "def numbers(contract):\n    return [c.name for c in contract.columns if c.feature and c.name != contract.target]\n",
    "from sklearn.preprocessing import FunctionTransformer\nSAME = FunctionTransformer()\n",
    "from skl2onnx import update_registered_converter\nclass Own(LogisticRegression):\n    pass\n"
    "update_registered_converter(Own, 'Own', None, None)\n",
    "def fit(frame, target):\n    return StandardScaler().fit(frame)\n",
    "from scipy import stats\ndef shape(values):\n    return stats.norm.fit(values)\n",
    "CURVE = np.polynomial.Polynomial.fit([1, 2], [1, 2], 1)\n",
    "from sklearn.model_selection import train_test_split\ndef judge(X, y):\n    X, Z = train_test_split(X, random_state=0)\n"
    "    return StandardScaler().fit_transform(X), Z\n",
    "def judge(model, X, y):\n    from sklearn.model_selection import cross_val_score\n    model.fit(X, y)\n    return cross_val_score(model, X, y)\n",
    "import time\ndef wait():\n    time.sleep(1)\n",
    "import os\nNAME = os.path.join('a', 'b')\n",
    "from urllib.parse import quote\nNAME = quote('a b')\n",
    "if __name__ == '__main__':\n    frame = pd.read_csv('sample.csv')\n    build(None, {}).fit(frame)\n",
    "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import xgboost\n    import requests\n",
    "def open(name):\n    return name\nNAME = open('more.csv')\n",  # a function of one's own, not the builtin
    "class random:\n    random = 3\nVALUE = random.random\n",
    "def scale(eval):\n    return eval(3)\n",
    "NAMES = sorted({'a', 'b'})\nCOUNT = len(set(NAMES))\n",
    "def local():\n    seen = {}\n    seen['a'] = 1\n    return seen\n",
    "TABLE = {}\nTABLE['a'] = 1\n",  # while the module is made
    "from datetime import datetime\nEPOCH = datetime(1970, 1, 1)\n",
    "from retide.domain.contract import Contract, ColumnType\nfrom training.defaults import linear\n",
    "from training.features import MISSING\nprint(MISSING)\n",
]  # fmt: skip
