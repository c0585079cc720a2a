"""How large an object a function can judge, and what a job needs for a larger one."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

MIB: Final = 2**20
GIB: Final = 2**30
SCRATCH_PER_BYTE: Final = 4
"""Of an object's size on disk: itself, its typed rows, and what the engine spills; 3.1 were the most that was seen."""
MEMORY_FLOOR_MIB: Final = 512
"""Python, the engine's code and its buffers, whatever the object's size: half the memory is the engine's."""
BYTES_PER_MEMORY_BYTE: Final = 2
"""The engine streams and spills, so that memory bounds speed more than size: beyond this many bytes of input for each
byte of the engine's memory it would spend its time on spilling."""
BYTES_PER_SECOND: Final = 4 * MIB
"""What is trusted to a function of 2 GiB, download included: a third of what was measured on a laptop's processor."""
UNPACKED: Final = {".gz": 8, ".zst": 8, ".parquet": 3, ".pq": 3}
"""How many bytes of text a byte of such a file is taken for, by the ending of its key."""
MOST_OBJECTS: Final = 10_000
"""Objects of one run: their ids fill most of the 400 KiB that DynamoDB allows the record of the run."""
LARGEST_COPY_GIB: Final = 256
"""What S3 is trusted to copy within the time of a function, at 1 GiB a second; only AWS can show whether it does."""
SPARE_GIB: Final = 10
INSTANCES: Final = ((16 * GIB, "ml.m5.xlarge"), (128 * GIB, "ml.m5.2xlarge"))
LARGEST_INSTANCE: Final = "ml.m5.4xlarge"
HOURS: Final = 3600
SHORTEST_RUN: Final = 1 * HOURS
LONGEST_RUN: Final = 5 * 24 * HOURS  # SageMaker's own limit for a processing job


@dataclass(frozen=True, slots=True)
class Bounds:
    """`largest`: bytes of the largest object that a function judges; `inline`: objects of the longest plain Map.

    `concurrency`: how many objects of one run are judged at once, where their order does not matter. `objects`: how
    many one run takes; a successor takes the rest.
    """

    largest: int
    inline: int
    concurrency: int
    objects: int = MOST_OBJECTS

    def needs_job(self, key: str, size: int) -> bool:
        return weight(key, size) > self.largest


@dataclass(frozen=True, slots=True)
class Resources:
    """What a processing job is given: an instance, its disk in GiB, and its time limit in seconds."""

    instance_type: str
    volume_gib: int
    seconds: int


class TooLarge(ValueError):
    """No job takes such an object; the message says what one takes."""


def largest(memory_mib: int, scratch_mib: int, seconds: int) -> int:
    """Bytes of the largest object that a function of this memory, scratch disk and time limit is given.

    Raises ValueError for a function that can judge nothing at all.
    """
    engine = memory_mib // 2
    if memory_mib < MEMORY_FLOOR_MIB:
        raise ValueError(f"a function that judges needs at least {MEMORY_FLOOR_MIB} MiB of memory, not {memory_mib}")
    by_disk = scratch_mib * MIB // SCRATCH_PER_BYTE
    return min(by_disk, engine * MIB * BYTES_PER_MEMORY_BYTE, seconds * BYTES_PER_SECOND)


def weight(key: str, size: int) -> int:
    """An object's size as text, estimated by its name: only the name is known before it is read."""
    return size * next((times for ending, times in UNPACKED.items() if key.lower().endswith(ending)), 1)


def resources(key: str, size: int) -> Resources:
    """What a job needs to judge an object of `size` bytes; raises TooLarge."""
    text = weight(key, size)
    volume = SPARE_GIB + ceil(text * SCRATCH_PER_BYTE / GIB)
    if size > LARGEST_COPY_GIB * GIB:
        raise TooLarge(f"objects of up to {LARGEST_COPY_GIB} GiB can be judged: cut it up")
    instance = next((name for limit, name in INSTANCES if text <= limit), LARGEST_INSTANCE)
    seconds = min(max(SHORTEST_RUN, text // BYTES_PER_SECOND), LONGEST_RUN)
    return Resources(instance, volume, seconds)
