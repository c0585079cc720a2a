"""What became allowed by a change that was not allowed before, and what is no longer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from infra.review.exposures import boundaries, exposures
from infra.review.policies import Policies, Subject, policies
from infra.review.roles import newly_worn
from infra.review.statements import Permission
from infra.review.templates import Assembly

DENIED: Final = "is no longer denied"
WHAT: Final = {"may": "may now", "trust": "may now be assumed", "open to": "is now open to"}


@dataclass(frozen=True, slots=True)
class Broadening:
    """One thing of one stage that may do more, or is open to more, than before; each line says one more."""

    who: str
    what: str
    lines: tuple[str, ...]

    @property
    def id(self) -> str:
        """Names exactly this broadening of this thing: a wider one has another id."""
        told = "\n".join((self.who, self.what, *self.lines))
        return hashlib.sha256(told.encode()).hexdigest()[:12]


def broadenings(base: Assembly, head: Assembly) -> list[Broadening]:
    """Sound, not complete: what is equal only by AWS's knowledge of its own names is told as broader."""
    found = [*_by_policy(base, head), *newly_worn_roles(base, head), *newly_exposed(base, head), *unbounded(base, head)]
    return sorted(found, key=lambda one: (one.who, one.what))


def narrowings(base: Assembly, head: Assembly) -> list[Broadening]:
    """What the base allowed and the head does not: for information."""
    return [one for one in _by_policy(head, base) if one.what != DENIED]


def _by_policy(base: Assembly, head: Assembly) -> Iterator[Broadening]:
    before, after = policies(base), policies(head)
    for subject in sorted(before.keys() | after.keys()):
        if subject not in after and _is_gone(subject, base, head):
            continue
        allowed = _uncovered(_some(after, subject, allows=True), _some(before, subject, allows=True))
        undenied = _uncovered(_some(before, subject, allows=False), _some(after, subject, allows=False))
        for what, uncovered in ((WHAT[subject.aspect], allowed), (DENIED, undenied)):
            if uncovered:
                yield Broadening(_name(subject, head), what, _lines(uncovered, subject.aspect))


def newly_worn_roles(base: Assembly, head: Assembly) -> Iterator[Broadening]:
    """A function that is given another role may do what that role may, though no policy changed."""
    before, after = policies(base), policies(head)
    for worn in newly_worn(base, head):
        role = Subject(worn.place.stack, worn.role, "may")
        earlier = {one for name in worn.earlier for one in _some(before, Subject(role.stack, name, "may"), allows=True)}
        gained = _uncovered(_some(after, role, allows=True), earlier)
        if gained:
            yield Broadening(str(worn.place), f"now runs with {worn.role}, which may", _lines(gained, "may"))


def newly_exposed(base: Assembly, head: Assembly) -> Iterator[Broadening]:
    before = exposures(base)
    for place, lines in exposures(head).items():
        new = lines - before.get(place, frozenset())
        if new:
            yield Broadening(str(place), "is now exposed", tuple(sorted(new)))


def unbounded(base: Assembly, head: Assembly) -> Iterator[Broadening]:
    """Another boundary may be wider; what it allows is not in the template."""
    after, there = boundaries(head), {place for place, _ in head.resources()}
    for place, boundary in boundaries(base).items():
        if place in there and after.get(place) != boundary:
            yield Broadening(str(place), "no longer has the permissions boundary", (boundary,))


def _some(all_of: Policies, subject: Subject, *, allows: bool) -> set[Permission]:
    return {one for one in all_of.get(subject, ()) if one.allows is allows}


def _uncovered(wanted: Iterable[Permission], given: set[Permission]) -> list[Permission]:
    new = (one for one in wanted if one not in given)
    return sorted(one for one in new if not any(other.covers(one) for other in given))


def _is_gone(subject: Subject, base: Assembly, head: Assembly) -> bool:
    """A resource that was taken away needs no denial; what the template only refers to is still there."""
    id_ = subject.logical_id
    return id_ is not None and base.has(subject.stack, id_) and not head.has(subject.stack, id_)


def _name(subject: Subject, head: Assembly) -> str:
    for place, _ in head.resources():
        if (place.stack, place.logical_id) == (subject.stack, subject.logical_id):
            return str(place)
    return f"{subject.stack}: {subject.reference}"


def _lines(permissions: Iterable[Permission], aspect: str) -> tuple[str, ...]:
    """One line for all actions that are allowed in the same place, to the same people, on the same conditions."""
    grouped: dict[str, list[str]] = {}
    for one in permissions:
        grouped.setdefault(_where(one, aspect), []).append(str(one.action))
    return tuple(f"{', '.join(actions)}{where}" for where, actions in grouped.items())


def _where(one: Permission, aspect: str) -> str:
    by = f" by {one.principal}" if aspect != "may" else ""
    on = f" on {one.resource}" if aspect != "trust" else ""
    return f"{by}{on}{f' if {one.conditions}' if one.conditions.all else ''}"
