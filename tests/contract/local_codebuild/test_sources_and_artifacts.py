"""What comes into a build, and what goes out of it."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retide.local.codebuild.globs import pattern
from retide.local.codebuild.sources import unzip
from tests.contract.local_codebuild.bench import BUCKET, Bench, buildspec, contents, failure, zipped

S3: dict[str, object] = {"type": "S3", "location": BUCKET}


def s3_source(location: str, **members: str) -> dict[str, str]:
    return {"type": "S3", "location": location, **members}


def test_a_zip_is_unpacked_into_the_source_folder_with_the_buildspec_in_it(bench: Bench) -> None:
    spec = buildspec("['cat hello.txt', 'test $PWD = $CODEBUILD_SRC_DIR', 'echo $CODEBUILD_SOURCE_REPO_URL']")
    location = bench.put("in/app.zip", zipped({"hello.txt": "hello\n", "ci/build.yml": spec}))

    build = bench.build("ci/build.yml", source=s3_source(location))

    assert build["buildStatus"] == "SUCCEEDED"
    assert bench.said(build) == ["hello", f"s3://{location}"]


def test_a_buildspec_is_looked_for_under_its_usual_name(bench: Bench) -> None:
    location = bench.put("in/usual.zip", zipped({"buildspec.yml": buildspec("[echo found]")}))

    assert bench.said(bench.build("", source=s3_source(location))) == ["found"]


@pytest.mark.parametrize("path", ["buildspec.yml", "../../elsewhere.yml", "folder"])
def test_a_buildspec_that_is_not_there_is_named(bench: Bench, path: str) -> None:
    location = bench.put("in/empty.zip", zipped({"folder/a": ""}))

    build = bench.build(path, source=s3_source(location))

    assert failure(build, "DOWNLOAD_SOURCE") == ("YAML_FILE_ERROR", f"YAML file does not exist: {path}")


def test_an_exact_version_of_the_source_is_taken(bench: Bench) -> None:
    bench.s3.create_bucket(Bucket="versioned-source")
    bench.s3.put_bucket_versioning(Bucket="versioned-source", VersioningConfiguration={"Status": "Enabled"})
    first = bench.s3.put_object(Bucket="versioned-source", Key="a.zip", Body=zipped({"a": "first"}))["VersionId"]
    bench.s3.put_object(Bucket="versioned-source", Key="a.zip", Body=zipped({"a": "second"}))
    project = bench.project(buildspec("[cat a]"), source=s3_source("versioned-source/a.zip"))

    assert bench.said(bench.ended(bench.start(project))) == ["second"]
    build = bench.ended(bench.start(project, sourceVersion=first))
    assert bench.said(build) == ["first"]
    assert build["sourceVersion"] == first


def test_further_sources_have_folders_of_their_own(bench: Bench) -> None:
    main = bench.put("in/main.zip", zipped({"a": "main"}))
    tools = bench.put("in/tools.zip", zipped({"a": "tools"}))

    build = bench.build(
        buildspec("['cat a; echo; cat $CODEBUILD_SRC_DIR_tools/a']"),
        source=s3_source(main),
        secondarySources=[s3_source(tools, sourceIdentifier="tools")],
    )

    assert bench.said(build) == ["main", "tools"]


@pytest.mark.parametrize(("key", "said"), [("in/nothing-here.zip", "NoSuchKey"), ("in/no.zip", "cannot be unpacked")])
def test_a_source_that_cannot_be_had_is_named(bench: Bench, key: str, said: str) -> None:
    bench.put("in/no.zip", b"no zip")

    build = bench.build(buildspec("[true]"), source=s3_source(f"{BUCKET}/{key}"))

    code, message = failure(build, "DOWNLOAD_SOURCE")
    assert code == "CLIENT_ERROR"
    assert said in message
    assert f"s3://{BUCKET}/{key}" in message


def linked(name: str, target: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link, script = zipfile.ZipInfo(name), zipfile.ZipInfo("bin/run")
        link.external_attr, script.external_attr = 0o120777 << 16, 0o100755 << 16
        archive.writestr(script, "#!/bin/sh\necho runs\n")
        archive.writestr(link, target)
    return buffer.getvalue()


def test_permissions_and_links_survive_a_zip(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(linked("run", "bin/run"))

    unzip(tmp_path / "a.zip", tmp_path / "out")

    assert (tmp_path / "out/run").readlink() == Path("bin/run")
    assert (tmp_path / "out/bin/run").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(("name", "target"), [("run", "../../secret"), ("run", "/etc/passwd"), ("../run", "bin/run")])
def test_a_link_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str, target: str) -> None:
    (tmp_path / "a.zip").write_bytes(linked(name, target))

    with pytest.raises(zipfile.BadZipFile, match="outside the folder"):
        unzip(tmp_path / "a.zip", tmp_path / "out")


FILES = "mkdir -p dist/css .hidden; echo a >dist/a.js; echo m >dist/a.js.map; echo c >dist/css/c.css; echo h >.hidden/h"


@pytest.mark.parametrize(
    ("artifacts", "expected"),
    [
        ("files: ['**/*']", {"dist/a.js", "dist/a.js.map", "dist/css/c.css", ".hidden/h"}),
        ("files: [dist/a.js, dist/none.js]", {"dist/a.js"}),
        ("files: ['dist/*']", {"dist/a.js", "dist/a.js.map"}),
        ("{files: ['**/*'], base-directory: dist}", {"a.js", "a.js.map", "css/c.css"}),
        ("{files: ['**/*'], base-directory: 'd*', discard-paths: yes}", {"a.js", "a.js.map", "c.css"}),
        ("{files: ['**/*'], exclude-paths: ['**/*.map', '**/.*/**/*']}", {"dist/a.js", "dist/css/c.css"}),
    ],
)
def test_an_artifact_has_the_files_that_the_buildspec_names(bench: Bench, artifacts: str, expected: set[str]) -> None:
    written_out = artifacts if artifacts.startswith("{") else f"{{{artifacts}}}"
    target = S3 | {"name": "out.zip", "packaging": "ZIP", "path": "artifacts", "namespaceType": "BUILD_ID"}

    build = bench.build(buildspec(f'["{FILES}"]', artifacts=written_out), artifacts=target)

    key = f"artifacts/{build['id'].split(':')[1]}/out.zip"
    archive = bench.get(key)
    assert set(contents(archive)) == expected
    assert build["artifacts"] == {
        "location": f"arn:aws:s3:::{BUCKET}/{key}",
        "sha256sum": hashlib.sha256(archive).hexdigest(),
        "md5sum": hashlib.md5(archive, usedforsecurity=False).hexdigest(),
    }
    assert bench.s3.head_object(Bucket=BUCKET, Key=key)["Metadata"] == {"codebuild-buildarn": build["arn"]}


def test_an_artifact_that_is_not_packed_keeps_its_files_apart(bench: Bench) -> None:
    spec = buildspec(f'["{FILES}"]', artifacts="{files: ['**/*'], base-directory: dist}")

    bench.build(spec, artifacts=S3 | {"path": "plain", "name": "site"})

    assert bench.get("plain/site/css/c.css") == b"c\n"


def test_the_buildspec_may_name_the_artifact_in_the_shells_language(bench: Bench) -> None:
    spec = buildspec(
        '["VERSION=7; echo a >a"]', artifacts='{files: [a], name: "app-$VERSION-$(echo x)-$CODEBUILD_BUILD_NUMBER"}'
    )

    bench.build(spec, artifacts=S3 | {"path": "named", "packaging": "ZIP", "overrideArtifactName": True})

    assert contents(bench.get("named/app-7-x-1")) == {"a": "a\n"}


def test_further_artifacts_go_where_the_project_says(bench: Bench) -> None:
    spec = buildspec("['echo a >a; echo b >b']", artifacts="{files: [a], secondary-artifacts: {docs: {files: [b]}}}")
    docs = S3 | {"artifactIdentifier": "docs", "name": "docs.zip", "packaging": "ZIP"}

    build = bench.build(spec, artifacts=S3 | {"name": "main.zip", "packaging": "ZIP"}, secondaryArtifacts=[docs])

    assert contents(bench.get("main.zip")) == {"a": "a\n"}
    assert contents(bench.get("docs.zip")) == {"b": "b\n"}
    assert [one["artifactIdentifier"] for one in build["secondaryArtifacts"]] == ["docs"]


@pytest.mark.parametrize(
    ("artifacts", "said"),
    [
        ("{files: [none, 'x/*']}", "no matching artifact paths found: none, x/*"),
        ("{files: ['**/*'], base-directory: none}", "no matching base directory path found for none"),
        ("{files: ['**/*'], discard-paths: yes}", "two files would become a"),
    ],
)
def test_an_artifact_that_cannot_be_made_fails_the_build(bench: Bench, artifacts: str, said: str) -> None:
    spec = buildspec("['mkdir x1 x2; touch x1/a x2/a']", artifacts=artifacts)

    build = bench.build(spec, artifacts=S3 | {"name": "never.zip", "packaging": "ZIP"})

    assert build["buildStatus"] == "FAILED"
    assert failure(build, "UPLOAD_ARTIFACTS")[0] == "CLIENT_ERROR"
    assert failure(build, "UPLOAD_ARTIFACTS")[1].startswith(said)


def test_a_project_with_artifacts_needs_them_in_its_buildspec(bench: Bench) -> None:
    build = bench.build(buildspec("[true]"), artifacts=S3 | {"name": "never.zip"})

    assert "the buildspec has no artifacts.files" in failure(build, "UPLOAD_ARTIFACTS")[1]


def test_a_bucket_that_is_not_there_is_named(bench: Bench) -> None:
    spec = buildspec("[touch a]", artifacts="{files: [a]}")

    build = bench.build(
        spec, artifacts={"type": "S3", "location": "no-bucket-here", "packaging": "ZIP", "name": "a.zip"}
    )

    assert "s3://no-bucket-here/a.zip" in failure(build, "UPLOAD_ARTIFACTS")[1]


def test_artifacts_are_uploaded_after_a_failed_build_too(bench: Bench) -> None:
    spec = buildspec("['echo log >log', 'false']", artifacts="{files: [log]}")

    build = bench.build(spec, artifacts=S3 | {"name": "failed.zip", "packaging": "ZIP"})

    assert build["buildStatus"] == "FAILED"
    assert contents(bench.get("failed.zip")) == {"log": "log\n"}


def test_permissions_and_times_of_an_artifact_arrive_in_the_next_build(bench: Bench) -> None:
    make = ["echo a >a; chmod 750 a", "TZ=UTC touch -t 202001020304.06 a", "ln -s gone b"]
    target = S3 | {"name": "times.zip", "packaging": "ZIP"}
    bench.build(buildspec(json.dumps(make), artifacts="{files: ['*']}"), artifacts=target)

    look = "import os; s = os.stat('a'); print(oct(s.st_mode & 0o777), int(s.st_mtime), os.path.lexists('b'))"
    build = bench.build(
        buildspec(json.dumps([f'{sys.executable} -c "{look}"'])), source=s3_source(f"{BUCKET}/times.zip")
    )

    assert bench.said(build) == ["0o750 1577934246 False"]


NAMES = st.text(st.sampled_from("ab.*?/"), min_size=1, max_size=8)
PARTS = st.text(st.sampled_from("ab.c"), min_size=1, max_size=3).filter(lambda part: part != ".")
PATHS = st.lists(PARTS, min_size=1, max_size=4)


@given(PATHS)
def test_two_stars_match_every_path_and_one_star_no_folder(parts: list[str]) -> None:
    path = "/".join(parts)
    assert pattern("**/*").fullmatch(path)
    assert bool(pattern("*").fullmatch(path)) is (len(parts) == 1)
    assert pattern(f"{'/'.join(parts[:-1])}/*".lstrip("/")).fullmatch(path)
    assert bool(pattern("**/c").fullmatch(path)) is (parts[-1] == "c")


@given(NAMES, PATHS)
def test_a_pattern_without_two_stars_means_what_it_means_to_pathlib(glob: str, parts: list[str]) -> None:
    words = glob.strip("/").split("/")
    if "**" in glob or not all(words) or "." in words or glob.startswith("/") or glob.endswith("/"):
        return
    path = PurePosixPath("/".join(parts))
    expected = len(path.parts) == len(words) and path.match(glob)
    assert bool(pattern(glob).fullmatch(str(path))) is expected
