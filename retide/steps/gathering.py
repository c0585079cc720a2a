"""Gather what today's contract says of every accepted object in the window: reads many verdicts, judges few again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import batched
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from retide.domain import layout
from retide.domain.context import Context
from retide.domain.contract import Contract
from retide.domain.dataset import Part, rules_digest
from retide.domain.judging import KEYS, REJECTED, ROWS
from retide.domain.profile import Profile
from retide.domain.uniqueness import everywhere
from retide.domain.verdict import Judge, Verdict
from retide.ports import ObjectGone, Objects
from retide.steps.judging_context import keys_of

AT_ONCE: Final = 64  # verdicts that are held in memory at a time, each with its profile


@dataclass(frozen=True, slots=True)
class Member:
    """One accepted object as today's contract sees it: `verdict` may refuse what was right when it arrived."""

    part: Part
    verdict: Verdict


@dataclass(slots=True)
class Gathered:
    """The parts of a dataset and their profile, and what today's contract refuses: (part, reason)."""

    profile: Profile | None = None
    left_out: list[tuple[Part, str]] = field(default_factory=list)
    _parts: dict[str, Part] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[Part, ...]:
        return tuple(self._parts.values())

    def add(self, member: Member) -> None:
        """Rows that were told apart by a column which today's contract does not know are the same file now."""
        if not member.verdict.accepted:
            self.left_out.append((member.part, member.verdict.reason))
            return
        known, profile = member.part.curated in self._parts, member.verdict.profile
        self._parts[member.part.curated] = member.part
        if not known and profile:
            self.profile = self.profile.merge(profile) if self.profile else profile


@dataclass(slots=True)
class _Scene:
    """What judging again needs; `keys` are files of the parts gathered so far, where something is unique everywhere."""

    contract: Contract
    objects: Objects
    judge: Judge
    folder: Path
    keys: dict[str, Path] = field(default_factory=dict)

    def context(self, before: tuple[Part, ...]) -> Context:
        """That of a part which comes after these: what is unique everywhere is so among all of them."""
        parts = before if everywhere(self.contract) else ()
        new = [(keys_of(part.id, self.contract), self.folder / part.id) for part in parts if part.id not in self.keys]
        if missing := self.objects.download_many(new):
            raise ObjectGone(f"the keys of accepted objects do not exist: {', '.join(sorted(missing))}")
        self.keys |= {path.name: path for _, path in new}
        return Context(earlier_keys=tuple(self.keys[part.id] for part in parts), earlier=True)


def gather(parts: Iterable[tuple[Part, str]], contract: Contract, objects: Objects, judge: Judge) -> Gathered:
    """From parts, each with the key of the verdict that it was accepted by, oldest first."""
    gathered = Gathered()
    with TemporaryDirectory(prefix="retide-") as folder:
        scene = _Scene(contract, objects, judge, Path(folder))
        for some in batched(parts, AT_ONCE):
            for member in _members(some, gathered, scene):
                gathered.add(member)
    return gathered


def _members(parts: Sequence[tuple[Part, str]], gathered: Gathered, scene: _Scene) -> Iterator[Member]:
    """What was accepted under other rules is judged again by today's, once; that verdict is kept beside the first."""
    rules, objects = rules_digest(scene.contract), scene.objects
    first = [_verdict(data) for data in _whole(objects, [key for _, key in parts])]
    outdated = [part for (part, _), found in zip(parts, first, strict=True) if found.rules != rules]
    again = {part.id: layout.verdict(scene.contract.model, _name(part, scene.contract)) for part in outdated}
    known = dict(zip(again, objects.get_many(tuple(again.values())), strict=True))
    for (part, _), accepted in zip(parts, first, strict=True):
        kept = known.get(part.id)
        found = _verdict(kept) if kept else accepted
        if part.id in again and not kept:
            found = _judge_again(part, again[part.id], scene.context(gathered.parts), scene)
        yield Member(replace(part, curated=found.curated or part.curated, rows=found.rows), found)


def _name(part: Part, contract: Contract) -> str:
    """The object under today's rules."""
    return f"{part.id}-{rules_digest(contract)[:32]}"


def _judge_again(part: Part, kept: str, context: Context, scene: _Scene) -> Verdict:
    """The verdict comes last: where it is, the rows that it speaks of are there."""
    contract, objects = scene.contract, scene.objects
    with TemporaryDirectory(prefix="retide-") as folder:
        old, new, rejected, keys = (Path(folder) / name for name in ("old.parquet", ROWS, REJECTED, KEYS))
        objects.download(layout.curated(contract.model, part.curated), None, old)
        verdict = scene.judge(old, contract, keep=new, rejected=rejected, keys=keys, context=context, name=part.key)
        if verdict.accepted:
            objects.upload(new, layout.curated(contract.model, verdict.curated or ""))
        if verdict.accepted and everywhere(contract):
            objects.upload(keys, keys_of(part.id, contract))
        if verdict.accepted and verdict.rejected:
            objects.upload(rejected, layout.quarantined_rows(contract.model, _name(part, contract)))
    objects.put(kept, json.dumps({"object": asdict(part), **verdict.to_dict()}, ensure_ascii=False).encode())
    return verdict


def _whole(objects: Objects, keys: Sequence[str]) -> Iterator[bytes]:
    for key, data in zip(keys, objects.get_many(keys), strict=True):
        if data is None:
            raise ObjectGone(f"{objects.uri(key)} does not exist: the verdict of an accepted object")
        yield data


def _verdict(data: bytes) -> Verdict:
    return Verdict.from_dict(json.loads(data))
