"""Folders that one build leaves to the next."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from retide.local.codebuild.caches import Caches, kept
from retide.local.codebuild.errors import PhaseFailed
from tests.contract.local_codebuild.bench import Bench, buildspec, failure, zipped

LOCAL = {"type": "LOCAL", "modes": ["LOCAL_CUSTOM_CACHE", "LOCAL_SOURCE_CACHE"]}
COUNTS = "['mkdir -p deps; echo x >>deps/count; wc -l <deps/count | tr -d \" \"']"


def test_a_cached_folder_is_a_link_and_outlives_the_build(bench: Bench) -> None:
    spec = buildspec("['echo x >>deps/count; grep -c x deps/count; test -L deps']", cache="{paths: ['deps/**/*']}")
    project = bench.project(spec, cache=LOCAL)

    builds = [bench.ended(bench.start(project)) for _ in range(3)]

    assert [build["buildStatus"] for build in builds] == ["SUCCEEDED"] * 3
    assert [bench.said(build) for build in builds] == [["1"], ["2"], ["3"]]
    assert (kept(bench.home / "codebuild" / "cache", project, "deps") / "count").read_text() == "x\n" * 3


def test_a_kept_folder_has_the_name_that_it_has_in_the_source_for_node_looks_at_that(tmp_path: Path) -> None:
    assert kept(tmp_path, "project", "web/node_modules/**/*").name == "node_modules"
    places = {kept(tmp_path, "project", path) for path in ("web/node_modules", "node_modules", "node_modules/**")}
    assert len(places) == 2


def test_nothing_is_kept_without_the_projects_cache_or_for_another_project(bench: Bench) -> None:
    spec = buildspec(COUNTS, cache="{paths: [deps]}")
    plain, other = bench.project(spec), bench.project(spec, cache=LOCAL)

    assert [bench.said(bench.ended(bench.start(plain))) for _ in range(2)] == [["1"], ["1"]]
    assert bench.said(bench.ended(bench.start(other))) == ["1"]


def test_a_cache_is_forgotten_on_request_and_with_its_project(bench: Bench) -> None:
    project = bench.project(buildspec(COUNTS, cache="{paths: [deps]}"), cache=LOCAL)
    assert [bench.said(bench.ended(bench.start(project))) for _ in range(2)] == [["1"], ["2"]]

    bench.codebuild.invalidate_project_cache(projectName=project)
    assert bench.said(bench.ended(bench.start(project))) == ["1"]

    bench.codebuild.delete_project(name=project)
    assert not (bench.home / "codebuild" / "cache" / project).exists()


def test_only_one_build_at_a_time_uses_a_projects_cache(bench: Bench) -> None:
    spec = buildspec("['test -L deps && echo with || echo without; $WAIT']", cache="{paths: [deps]}")
    project = bench.project(spec, cache=LOCAL, variables=[{"name": "WAIT", "value": "true"}])
    first = bench.start(project, environmentVariablesOverride=[{"name": "WAIT", "value": "sleep 100"}])
    bench.until_said(first, "with")

    second = bench.ended(bench.start(project))
    with pytest.raises(ClientError, match="uses the cache"):
        bench.codebuild.invalidate_project_cache(projectName=project)
    bench.codebuild.stop_build(id=first)
    bench.ended(first)

    assert bench.said(second) == ["without"]
    assert "in use by another build" in bench.log(second["id"])
    assert bench.said(bench.ended(bench.start(project))) == ["with"]


def test_only_folders_within_the_source_are_kept(bench: Bench) -> None:
    location = f"{bench.put('in/cached.zip', zipped({'a.txt': '', 'src/b': ''}))}"
    source = {"type": "S3", "location": location}

    for path, said in {
        "a.txt": "a.txt is a file: only directories",
        "../up": "is not a folder within",
        ".": "not a",
    }.items():
        build = bench.build(buildspec("[true]", cache=f"{{paths: ['{path}']}}"), source=source, cache=LOCAL)
        assert said in failure(build, "DOWNLOAD_SOURCE")[1]

    build = bench.build(
        buildspec("['test ! -L src']", cache="{paths: [src, /root/.npm/**/*, '~/.m2']}"), source=source, cache=LOCAL
    )
    assert build["buildStatus"] == "SUCCEEDED"
    log = bench.log(build["id"])
    assert "src is part of the source" in log
    assert log.count("lies outside the source") == 2


@given(st.sampled_from(["", "./"]), st.sampled_from(["", "/", "/*", "/**", "/**/*"]))
def test_a_folder_may_be_named_in_every_usual_way(head: str, tail: str) -> None:
    assert kept(Path("cache"), "project", f"{head}node_modules{tail}") == kept(Path("cache"), "project", "node_modules")


def test_folders_of_the_same_name_are_kept_apart() -> None:
    assert kept(Path("c"), "p", "a/deps") != kept(Path("c"), "p", "b/deps") != kept(Path("c"), "q", "b/deps")


def test_a_link_in_the_source_leads_no_cache_out_of_it(tmp_path: Path) -> None:
    source = tmp_path / "src"
    source.mkdir()
    (source / "out").symlink_to(tmp_path)
    with pytest.raises(PhaseFailed, match="not a folder within the source"):
        Caches(tmp_path / "cache").link("p", "b", ("out/deps",), source, print)
    assert not (tmp_path / "deps").exists()
