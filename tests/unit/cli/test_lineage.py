"""Certificates are read only where they are those that the registry bound; and files are known by their content."""

from __future__ import annotations

import hashlib
import io
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from retide.cli.certificates import version_of, versions
from retide.cli.commands.lineage import PART, digests
from retide.cli.tracing import learners, made_of, recipe
from retide.domain.evaluation import Boosted
from retide.domain.lineage import Wanted, ancestors, children, learned_from
from tests.unit.steps.world import World


def world_of_two() -> World:
    world = World()
    world.serve_first_version()
    world.dispatch(world.put("incoming/m/b.csv", b"y"))
    world.run_to_package("d2", champion=0.8)
    return world


def said(*parts: object) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(*parts, sep="\n")
    text = console.file
    assert isinstance(text, io.StringIO)
    return text.getvalue()


def test_a_version_is_told_with_its_files_and_its_parent() -> None:
    world = world_of_two()
    known = tuple(versions("m", "retide-dev-m", world.registry, world.objects))
    told = said(*made_of(known[0], tuple(ancestors(known[0], known)), children(known[0], known)))
    assert "m@2" in told
    assert "incoming/m/a.csv" in told
    assert "incoming/m/b.csv" in told
    assert "Judged against: version 1" in told
    assert "seed 0" in told
    assert "Approval: Approved" in told
    assert "Made of" in said(recipe(known[0]))


def test_of_what_several_instances_made_their_job_and_its_image_are_told() -> None:
    world = World()
    world.contract["training"] = {"distributed": {"instances": 4}}
    world.dispatch(world.put())
    world.run_to_package(boosting=asdict(Boosted(4, 100, "5" * 64, "b" * 64)))
    (known,) = versions("m", "retide-dev-m", world.registry, world.objects)
    assert "Learned together: 4 instances of job retide-dev-m-1-1-boost-" in said(*made_of(known, (), ()))


def test_a_file_is_told_with_its_versions() -> None:
    world = world_of_two()
    known = tuple(versions("m", "retide-dev-m", world.registry, world.objects))
    ids = {one.key: one.id for one in world.ledger.objects("m")}
    found = tuple(learned_from(known, Wanted(frozenset({ids["incoming/m/b.csv"]}), frozenset())))
    told = said(*learners("b.csv", found, ()))
    assert "m@2" in told
    assert "m@1" not in told
    assert "no registered version ever learned" in said(*learners("z.csv", (), ()))


def test_a_certificate_that_was_altered_or_is_gone_is_none() -> None:
    world = world_of_two()
    package = world.registry.packages[0]
    key = package.facts["certificate"].removeprefix("s3://bucket/")
    honest = world.objects.get(key)
    world.objects.put(key, honest.replace(b'"accepted"', b'"rejected"'))
    assert "was altered" in version_of("m", package, world.objects).lacking
    world.objects.delete(key)
    assert "is gone" in version_of("m", package, world.objects).lacking
    world.objects.put(key, honest)
    assert version_of("m", package, world.objects).certificate


def test_a_file_here_is_known_by_sha256_and_by_the_etag_of_either_way_to_upload_it(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b"x" * (PART + 1))
    parts = hashlib.md5(b"x" * PART).digest() + hashlib.md5(b"x").digest()  # noqa: S324 - what S3 computes
    assert digests(file) == {
        hashlib.sha256(file.read_bytes()).hexdigest(),
        hashlib.md5(file.read_bytes()).hexdigest(),  # noqa: S324 - what S3 computes
        f"{hashlib.md5(parts).hexdigest()}-2",  # noqa: S324 - what S3 computes
    }
