"""Whatever is in a model's folder, the linter answers: with findings, never with an error of its own."""

import ast
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from retide.lint.findings import Finding
from retide.lint.rules import RULES
from tests.architecture.tree import modules, shown
from tests.unit.lint.folders import CONTRACT, REGRESSION, folder, lint_again, linted
from tests.unit.lint.snippets import BAD, BUILD, GOOD, HEAD

TOKENS: Final = [
    "def build(contract, params):\n    ", "class A(", "B):\n    ", "lambda x: ", "import ", "from . import ", "np", "x",
    "frame", ".fit(", ".fit_transform(", "[", "]", "(", ")", "{", "}", "=", ":=", "*", "**", "'spend'", "'", '"""', "1",
    "f'{x}'", "return ", "global x\n", "if TYPE_CHECKING:\n    ", "for x in ", "async ", "await ", "yield ", "@",
    "match x:\n    case ",
    "\n", "\n    ", "# retide: ignore[", "RT201] why", "\t", "\\\n", "\0", "é", "\u2028", "\f", "ColumnTransformer(",
    "random_state=", "n_jobs=-1", ", ", "sklearn.utils.", "type X = ", "x" * 40,
]  # fmt: skip
PLACED: Final = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def check(findings: tuple[Finding, ...], length: int) -> None:
    for finding in findings:
        assert finding.code in RULES
        assert finding.line >= 1
        assert finding.column >= 1
        assert finding.line <= length + 1


@PLACED
@given(text=st.lists(st.sampled_from(TOKENS), max_size=30).map("".join))
@example(text="x = " + "(" * 5000)
@example(text="x = " + "-" * 5000 + "1")
@example(text="x = " + "+".join(["1"] * 5000))
@example(text="x = a" + ".b" * 5000)
@example(text="x = x\ny = z\nz = y\ny()\n")
@example(text="columns = ['a', *columns]\nX = ColumnTransformer([('a', 'drop', columns)])\n")
@example(text="# -*- coding: nonsense -*-\n")
def test_any_text_is_answered(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    report = linted(tmp_path_factory.mktemp("any"), (HEAD + text).encode("utf-8", "surrogatepass"))
    check(report.findings, len(text.splitlines()) + len(HEAD.splitlines()) + 5000)


@PLACED
@given(data=st.binary(max_size=60))
@example(data=b"x = 1\n\0\0")
def test_any_bytes_are_answered(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.mktemp("bytes")
    assert linted(place / "code", data).models == ("churn",)
    broken = folder(place / "contract")
    (broken / "contract.yaml").write_bytes(data)
    (broken / "sample.csv").write_bytes(data)
    assert lint_again(broken).models == ("churn",)


@PLACED
@given(
    snippet=st.sampled_from([text for _, text in BAD if not text.startswith("!")] + GOOD),
    cut=st.integers(0, 400),
    more=st.sampled_from(TOKENS),
)
def test_code_that_is_half_typed_is_answered(
    snippet: str, cut: int, more: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = HEAD + snippet
    report = linted(tmp_path_factory.mktemp("half"), (text[:cut] + more + text[cut:] + BUILD).encode())
    try:
        ast.parse(text[:cut] + more + text[cut:] + BUILD)
    except (SyntaxError, ValueError):
        assert "RT002" in {finding.code for finding in report.findings}
    else:
        assert "RT002" not in {finding.code for finding in report.findings}


WORDS: Final = ["", "NA", "yes", "no", '"', "a;b", "é"]
CELLS: Final = st.one_of(st.floats().map(str), st.integers(-(10**30), 10**30).map(str), st.sampled_from(WORDS))


@PLACED
@given(rows=st.lists(st.lists(CELLS, min_size=8, max_size=8), min_size=30, max_size=60), regression=st.booleans())
def test_any_sample_is_answered(
    rows: list[list[str]], regression: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    names = "customer,seen_at,region,note,plan,months,spend,churned"
    text = "\n".join([names, *(",".join(cells) for cells in rows)])
    contract = REGRESSION if regression else CONTRACT
    check(linted(tmp_path_factory.mktemp("sample"), sample=text, contract=contract).findings, len(rows) + 20)


@pytest.mark.parametrize("path", modules("retide/lint", "training", "infra"), ids=shown)
def test_the_code_of_this_repository_is_looked_through(path: Path, tmp_path: Path) -> None:
    assert "RT002" not in {finding.code for finding in linted(tmp_path, path.read_bytes()).findings}
