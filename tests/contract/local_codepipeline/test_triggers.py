"""Which pushes start a pipeline: AWS's globs and filters, tried one by one."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retide.local.codepipeline.filters import Patterns, PushFilter, Trigger
from retide.local.codepipeline.globs import matches
from retide.local.codepipeline.variables import Unresolved, resolved
from retide.local.git.pushes import Push, RefKind
from tests.contract.local_codepipeline.bench import Bench


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("main", "main", True),
        ("main", "main2", False),
        ("*", "main", True),
        ("*", "feature/a", False),
        ("**", "feature/a/b", True),
        ("feature/*", "feature/a", True),
        ("feature/*", "feature/a/b", False),
        ("feature/**", "feature/a/b", True),
        ("docs/**", "docs/a.md", True),
        ("docs/**", "docs", False),
        ("*.md", "README.md", True),
        ("*.md", "docs/README.md", False),
        ("**.md", "docs/README.md", True),
        ("**/*.md", "docs/deep/README.md", True),
        ("**/*.md", "README.md", False),
        ("*.{py,toml}", "a.toml", True),
        ("*.{py,toml}", "a.txt", False),
        ("a,b", "a,b", True),
        ("file?", "file1", True),
        ("file?", "file/", False),
        ("v[0-9].*", "v1.2", True),
        ("v[!0-9]", "vx", True),
        ("v[!0-9]", "v/", False),
        ("v[!0-9]", "v3", False),
        ("[-a]", "-", True),
        ("[*?]", "*", True),
        ("[*?]", "x", False),
        (r"a\*", "a*", True),
        (r"a\*", "ab", False),
        ("a.b+c", "a.b+c", True),
        ("a.b", "axb", False),
    ],
)
def test_globs_are_those_of_the_user_guide(pattern: str, text: str, fits: bool) -> None:
    assert matches(pattern, text) is fits


@given(st.text(alphabet="abc/.-_ ", max_size=12))
def test_a_path_without_wildcards_is_a_pattern_of_itself(path: str) -> None:
    assert matches(path, path)
    assert matches("**", path)
    assert matches("*", path) is ("/" not in path)


@given(st.text(alphabet="ab/*?{},[]!\\-^&", max_size=10), st.text(alphabet="ab/", max_size=6))
def test_any_text_is_a_pattern_or_is_refused_in_words(pattern: str, text: str) -> None:
    with suppress(ValueError):
        assert matches(pattern, text) in (True, False)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [("{a,{b}}", "nested"), ("{a", "never closes"), ("[b-a]", "backwards"), ("[a", "closes"), ("a\\", "follows")],
)
def test_a_pattern_that_is_none_is_refused(pattern: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        matches(pattern, "a")


def push(*files: str, name: str = "main", kind: RefKind = RefKind.BRANCH) -> Push:
    return Push("team/model", kind, name, "c" * 40, files)


DOCS = PushFilter(branches=Patterns(("main",)), files=Patterns((), ("docs/**", "*.md")))


@pytest.mark.parametrize(
    ("filters", "one", "starts"),
    [
        ((), push("a"), True),
        ((), push("a", name="other"), False),
        ((), push("a", name="main", kind=RefKind.TAG), False),
        ((DOCS,), push("a.py"), True),
        ((DOCS,), push("docs/a.md", "README.md"), False),
        ((DOCS,), push("docs/a.md", "a.py"), True),
        ((DOCS,), push("a.py", name="other"), False),
        ((DOCS,), push(), False),
        ((DOCS, PushFilter(branches=Patterns(("other",)))), push(name="other"), True),
        ((PushFilter(branches=Patterns(("**",), ("wip/**",))),), push("a", name="wip/a"), False),
        ((PushFilter(files=Patterns(("src/**",), ("src/gen/**",))),), push("src/gen/a"), False),
        ((PushFilter(files=Patterns(("src/**",), ("src/gen/**",))),), push("src/gen/a", "src/b"), True),
        ((PushFilter(tags=Patterns(("v*",))),), push("a", name="v1", kind=RefKind.TAG), True),
        ((PushFilter(tags=Patterns(("v*",), ("v0*",))),), push("a", name="v0.1", kind=RefKind.TAG), False),
        ((PushFilter(tags=Patterns(("v*",))),), push("a", name="v1"), False),
        ((DOCS,), push("a.py", name="main", kind=RefKind.TAG), False),
    ],
)
def test_a_push_is_held_against_each_filter(filters: tuple[PushFilter, ...], one: Push, starts: bool) -> None:
    assert Trigger("Source", filters).admits(one, "main") is starts


@given(st.lists(st.sampled_from(["a.py", "docs/a", "b.md", "c/d.md"])), st.sampled_from(["a.py", "x/y.py"]))
def test_one_file_that_counts_is_enough(files: list[str], counting: str) -> None:
    assert DOCS.admits(push(*files, counting))


def test_a_reference_that_nothing_answers_is_named() -> None:
    assert resolved({"A": "#{X.y} and #{X.y}"}, {"X": {"y": "1"}}) == {"A": "1 and 1"}
    with pytest.raises(Unresolved, match=r"#\{X\.z\} in A has no value"):
        resolved({"A": "#{X.z}"}, {"X": {"y": "1"}})


def triggered(bench: Bench, **push_filter: object) -> None:
    one = {
        "providerType": "CodeStarSourceConnection",
        "gitConfiguration": {"sourceActionName": "Source", "push": [push_filter]},
    }
    bench.push("first")
    bench.create(triggers=[one])
    bench.settle()
    bench.end_build()


def test_a_push_of_docs_alone_starts_nothing_and_says_why(bench: Bench) -> None:
    triggered(bench, filePaths={"excludes": ["docs/**"]})
    bench.push("docs/a", "docs/b", "docs/c", "docs/d")

    assert len(bench.executions()) == 1
    reason = "its triggers do not ask for branch main with changes in docs/a, docs/b, docs/c and 1 more"
    assert bench.answer == f"delivery does not start: {reason}"


def test_a_push_starts_the_pipeline_with_its_own_commit_on_its_own_branch(bench: Bench) -> None:
    triggered(bench, branches={"includes": ["release/*"]})
    commit = bench.push("a.py", branch="release/1")
    bench.push("b.py")
    bench.settle()

    newest = bench.executions()[0]
    assert newest["trigger"] == {"triggerType": "WebhookV2", "triggerDetail": bench.connection}
    assert newest["sourceRevisions"][0]["revisionId"] == commit
    assert bench.actions(bench.newest())["Source"]["output"]["outputVariables"]["BranchName"] == "release/1"


def test_an_execution_that_waits_knows_its_commit_already(bench: Bench) -> None:
    bench.push("a.py")
    bench.create()
    first = bench.push("b.py")
    second = bench.push("c.py")

    told = [one["sourceRevisions"][0]["revisionId"] for one in bench.executions()[:2]]
    assert told == [second, first]


def test_without_a_trigger_the_branch_of_the_source_counts(bench: Bench) -> None:
    bench.push("a.py")
    bench.create()
    bench.push("b.py", branch="other")
    assert len(bench.executions()) == 1
    bench.push("c.py")
    assert len(bench.executions()) == 2


def test_a_source_that_detects_no_changes_waits_for_a_person(bench: Bench) -> None:
    bench.push("a.py")
    declared = bench.declared()
    declared["stages"][0]["actions"][0]["configuration"]["DetectChanges"] = "false"
    bench.call("CreatePipeline", pipeline=declared)
    bench.push("b.py")

    assert len(bench.executions()) == 1


def test_a_tag_starts_a_pipeline_that_asks_for_tags(bench: Bench) -> None:
    triggered(bench, tags={"includes": ["v*"]})
    bench.checkout.git("tag", "-a", "v1", "-m", "one")
    bench.checkout.git("push", "--quiet", "origin", "v1")
    tag, commit = bench.checkout.git("rev-parse", "v1"), bench.checkout.git("rev-parse", "HEAD")

    assert tag != commit
    assert f"delivery starts for {commit[:12]}" in bench.tell("refs/tags/v1", "0" * 40, tag)
    assert bench.executions()[0]["sourceRevisions"][0]["revisionId"] == commit


def test_two_pipelines_may_listen_to_one_repository(bench: Bench) -> None:
    bench.push("a.py")
    bench.create()
    bench.call("CreatePipeline", pipeline=bench.declared() | {"name": "second"})
    bench.push("b.py")

    assert bench.answer.count(" starts for ") == 2
