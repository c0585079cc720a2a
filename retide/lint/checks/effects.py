"""What a model must not touch: network, files, environment, clock, pickles, code made at run time, global state."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from typing import Final

from retide.lint.findings import Finding
from retide.lint.model import Subject
from retide.lint.scopes import Scope

NETWORK: Final = re.compile(
    "aiohttp|asyncio|boto3|botocore|ftplib|grpc|http|httplib2|httpx|imaplib|paramiko|poplib|requests|s3fs|smtplib|socket"
    "|socketserver|ssl|telnetlib|urllib|urllib3|websocket|websockets|xmlrpc"
)
HARMLESS: Final = frozenset({"urllib.parse", "http.HTTPStatus"})
PICKLES: Final = frozenset({"cloudpickle", "dill", "joblib", "jsonpickle", "marshal", "pickle", "shelve"})
# What the job's image carries beside the standard library; what of ours travels with a job.
CARRIED: Final = frozenset({"numpy", "pandas", "pyarrow", "scipy", "sklearn", "skl2onnx", "onnx", "onnxruntime"})
OURS: Final = ("retide.domain", "training")

_PATH_METHODS: Final = (
    r"(read|write)_(text|bytes)|open|touch|mkdir|unlink|rmdir|rename|replace|exists|stat|is_(file|dir)|r?glob|iterdir"
)
# The first that fits counts.
PATTERNS: Final = {
    "RT505": re.compile(r"pandas\.read_pickle"),
    "RT502": re.compile(
        r"builtins\.open|io\.open|os\.(open|getcwd|chdir|listdir|walk|scandir|remove|unlink|rename|replace|mkdir|makedirs|rmdir|stat)"
        r"|os\.path\.(exists|is(file|dir)|getsize|getmtime)|pathlib\.Path\.(cwd|home)"
        rf"|pathlib\.Path\(\)(\.\w+(\(\))?)*?\.({_PATH_METHODS})"
        r"|(shutil|tempfile|glob|fileinput|sqlite3|zipfile|tarfile|gzip)\.\w+"
        r"|pandas\.(read_\w+|ExcelFile|HDFStore)|numpy\.(load|loadtxt|genfromtxt|fromfile|memmap|save\w*)"
        r"|sklearn\.datasets\.(fetch|load)_\w+"
    ),
    "RT503": re.compile(
        r"os\.(environb?|getenvb?|putenv|unsetenv|system|popen|fork\w*|exec\w+|spawn\w+|posix_spawn\w*|kill\w*|getpid|uname)"
        r"|(subprocess|multiprocessing|platform|getpass|ctypes)\.\w+|concurrent\.futures\.\w+"
        r"|sys\.(argv|exit)|builtins\.(input|exit|quit)"
    ),
    "RT504": re.compile(
        r"time\.(time|monotonic|perf_counter|process_time|thread_time)(_ns)?|time\.(gm|local|c)time|time\.strftime"
        r"|datetime\.(datetime|date)\.(now|utcnow|today)|pandas\.Timestamp\.(now|utcnow|today)"
    ),
    "RT506": re.compile(
        r"builtins\.(eval|exec|compile|__import__)|importlib\.(import_module|reload|util\.\w+)|runpy\.\w+"
    ),
}
SETTERS: Final = re.compile(
    r"sklearn\.set_config|sys\.path\.\w+|sys\.setrecursionlimit|warnings\.(simplefilter|filterwarnings)"
    r"|pandas\.set_option|numpy\.(seterr|set_printoptions)|(numpy\.)?random\.(seed|setstate|set_state)"
)
FILE_METHODS: Final = frozenset({"read_text", "read_bytes", "write_text", "write_bytes"})


def outside_world(subject: Subject) -> Iterator[Finding]:
    """Every use of something whose answer is not a function of the rows."""
    for node, path in subject.source.references():
        code = next((code for code, pattern in PATTERNS.items() if pattern.fullmatch(path)), None)
        if code is not None:
            yield subject.source.at(code, node, f"{path.removeprefix('builtins.')} is used")
    for call, called in subject.source.calls():
        if called is None and isinstance(call.func, ast.Attribute) and call.func.attr in FILE_METHODS:
            yield subject.source.at("RT502", call, f"{call.func.attr}() is called")


def imports(subject: Subject) -> Iterator[Finding]:
    """Imports of the network, of pickles, and of what the job's image does not carry."""
    beside = {file.stem for file in subject.folder.glob("*.py")}
    seen: set[tuple[int, str]] = set()
    for node, path in subject.source.imports():
        top = path.partition(".")[0]
        code = None if path.startswith(f"models.{subject.folder.name}.") else _import_code(path, top)
        if code is None or (node.lineno, top) in seen:
            continue
        seen.add((node.lineno, top))
        yield subject.source.at(code, node, _told(code, path, top in beside))


def _import_code(path: str, top: str) -> str | None:
    if path in HARMLESS or any(path.startswith(f"{known}.") for known in HARMLESS):
        return None
    if NETWORK.fullmatch(top):
        return "RT501"
    if top in PICKLES:
        return "RT505"
    carried = top in sys.stdlib_module_names or top in CARRIED
    return None if carried or f"{path}.".startswith(tuple(f"{ours}." for ours in OURS)) else "RT404"


def _told(code: str, path: str, beside: bool) -> str:
    top = path.partition(".")[0]
    if code != "RT404":
        return f"{top} is imported"
    if path.startswith(".") or beside:
        return f"{path.strip('.')} is imported from beside model.py; a job loads model.py on its own"
    return f"{path if top == 'retide' else top} is imported, which the job's image does not carry"


def global_state(subject: Subject) -> Iterator[Finding]:
    """Names of the module, and parts of libraries, that code changes while it runs."""
    source = subject.source
    for node in source.scopes.nodes():
        if isinstance(node, ast.Global):
            yield source.at("RT507", node, f"`global {', '.join(node.names)}`")
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (finding for target in targets if (finding := _changed(subject, target)))
    for call, path in source.calls():
        if path and SETTERS.fullmatch(path):
            yield source.at("RT507", call, f"{path}() sets something for the whole process")


def _changed(subject: Subject, target: ast.expr) -> Finding | None:
    """`module.attribute = …` of a library, or an element of a module's own list or dict from within a function."""
    source = subject.source
    if isinstance(target, ast.Attribute):
        path = source.names.path(target)
        if path and not path.startswith(("<here>", "builtins")) and "(" not in path:
            return source.at("RT507", target, f"{path} is replaced")
    if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
        scope = source.scopes.of(target)
        found = scope.lookup(target.value.id)
        if found is not None and _is_outer(found[1], scope):
            return source.at("RT507", target, f"{target.value.id}[…] of the module is changed")
    return None


def _is_outer(home: Scope, scope: Scope) -> bool:
    return home.parent is None and scope.function is not None
