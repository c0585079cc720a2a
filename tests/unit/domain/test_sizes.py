"""How large an object a function can judge follows from what the function has, and a job's disk from the object."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retide.domain.sizes import (
    GIB,
    LARGEST_COPY_GIB,
    LONGEST_RUN,
    MIB,
    SCRATCH_PER_BYTE,
    Bounds,
    TooLarge,
    largest,
    resources,
)

SAGEMAKERS_LARGEST_VOLUME_GIB = 16_384


@pytest.mark.parametrize(
    ("memory", "scratch", "seconds", "bound"),
    [
        (2048, 400, 900, 100 * MIB),  # the disk
        (512, 10_000, 900, 512 * MIB),  # the memory
        (2048, 10_000, 60, 240 * MIB),  # the time
    ],
)
def test_the_scarcest_of_disk_memory_and_time_bounds_what_a_function_judges(
    memory: int, scratch: int, seconds: int, bound: int
) -> None:
    assert largest(memory, scratch, seconds) == bound


def test_a_function_without_memory_for_the_engine_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 512 MiB of memory, not 256"):
        largest(256, 4096, 300)


@given(st.integers(512, 10_240), st.integers(512, 10_240), st.integers(1, 900))
def test_an_object_within_the_bound_fits_on_the_disk_of_its_function(memory: int, scratch: int, seconds: int) -> None:
    assert largest(memory, scratch, seconds) * SCRATCH_PER_BYTE <= scratch * MIB


@pytest.mark.parametrize(
    ("key", "large"), [("a.csv", False), ("a.parquet", True), ("A.CSV.GZ", True), ("a.jsonl.zst", True), ("gz", False)]
)
def test_what_is_packed_counts_as_what_it_unpacks_to(key: str, large: bool) -> None:
    assert Bounds(largest=200, inline=1, concurrency=1).needs_job(key, 100) is large


@given(st.integers(0, LARGEST_COPY_GIB * GIB), st.sampled_from(["a.csv", "a.csv.gz", "a.parquet"]))
def test_a_job_has_disk_for_its_object_and_time_within_what_sagemaker_allows(size: int, key: str) -> None:
    needed = resources(key, size)
    assert needed.volume_gib * GIB >= size * SCRATCH_PER_BYTE
    assert needed.volume_gib <= SAGEMAKERS_LARGEST_VOLUME_GIB
    assert 3600 <= needed.seconds <= LONGEST_RUN


def test_a_larger_object_gets_a_larger_instance() -> None:
    types = [resources("a.csv", size * GIB).instance_type for size in (1, 20, 200)]
    assert types == ["ml.m5.xlarge", "ml.m5.2xlarge", "ml.m5.4xlarge"]


def test_an_object_that_no_job_takes_is_refused_with_the_limit() -> None:
    with pytest.raises(TooLarge, match="of up to 256 GiB can be judged"):
        resources("a.csv", LARGEST_COPY_GIB * GIB + 1)


def test_a_packed_object_gets_a_disk_for_what_it_unpacks_to() -> None:
    assert resources("a.csv.gz", GIB).volume_gib == resources("a.csv", 8 * GIB).volume_gib
