"""The first content of the local builds' caches: the checkout's own environments, where they can be moved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from retide.cli.delivery.warming import warm

BUILDSPEC = "version: 0.2\ncache:\n  paths:\n    - .venv/**/*\n    - .mypy_cache/**/*\n    - build/packages/**/*\n"


def project(name: str, mode: str = "LOCAL_CUSTOM_CACHE") -> dict[str, object]:
    given = {"Name": name, "Source": {"BuildSpec": "buildspec.yml"}, "Cache": {"Type": "LOCAL", "Modes": [mode]}}
    return {"Type": "AWS::CodeBuild::Project", "Properties": given}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    for name, text in {
        "buildspec.yml": BUILDSPEC,
        ".venv/pyvenv.cfg": "relocatable = true\n",
        ".venv/lib/module.py": "1",
        ".mypy_cache/cache.db": "cache",
        "build/packages/libs/a.so": "so",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / ".venv/python").symlink_to("/usr/bin/python3")
    return root


@pytest.fixture
def assembly(tmp_path: Path) -> Path:
    resources = {
        "Build": project("retide-build"),
        "Other": project("other", "LOCAL_SOURCE_CACHE"),
        "Bucket": {"Type": "AWS::S3::Bucket"},
    }
    (tmp_path / "assembly").mkdir()
    (tmp_path / "assembly/retide-delivery.template.json").write_text(json.dumps({"Resources": resources}))
    return tmp_path / "assembly"


def places(home: Path) -> dict[str, Path]:
    """Every kept folder by its name."""
    return {path.name: path for path in home.glob("codebuild/cache/retide-build/*/*")}


def test_builds_get_what_the_checkout_has_and_only_those_that_keep_folders(checkout: Path, assembly: Path) -> None:
    home = checkout.parent / "home"
    assert warm(checkout, assembly, home) == [".mypy_cache", ".venv", "build/packages"]
    found = places(home)
    assert (found[".venv"] / "lib/module.py").read_text() == "1"
    assert (found[".venv"] / "python").is_symlink()
    assert [path.name for path in home.glob("codebuild/cache/*")] == ["retide-build"]


def test_what_is_written_in_place_is_copied_and_what_is_not_is_linked(checkout: Path, assembly: Path) -> None:
    home = checkout.parent / "home"
    warm(checkout, assembly, home)
    linked = places(home)[".venv"] / "lib/module.py"
    assert linked.stat().st_ino == (checkout / ".venv/lib/module.py").stat().st_ino
    copied = places(home)[".mypy_cache"] / "cache.db"
    assert copied.stat().st_ino != (checkout / ".mypy_cache/cache.db").stat().st_ino


def test_what_a_build_has_kept_stays_its_own(checkout: Path, assembly: Path) -> None:
    home = checkout.parent / "home"
    warm(checkout, assembly, home)
    mine = places(home)[".mypy_cache"] / "cache.db"
    mine.write_text("the build's")
    assert warm(checkout, assembly, home) == []
    assert mine.read_text() == "the build's"


def test_an_environment_that_knows_its_place_is_not_given_away(checkout: Path, assembly: Path) -> None:
    (checkout / ".venv/pyvenv.cfg").write_text("home = /usr/bin\n")
    assert warm(checkout, assembly, checkout.parent / "home") == [".mypy_cache", "build/packages"]


def test_a_copy_that_was_interrupted_is_begun_again(checkout: Path, assembly: Path) -> None:
    home = checkout.parent / "home"
    warm(checkout, assembly, home)
    whole = places(home)[".venv"]
    whole.rename(whole.with_name(f"{whole.name}.part"))
    (whole.with_name(f"{whole.name}.part") / "lib/module.py").unlink()
    assert warm(checkout, assembly, home) == [".venv"]
    assert (whole / "lib/module.py").read_text() == "1"
