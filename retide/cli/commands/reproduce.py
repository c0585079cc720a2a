"""The command that rebuilds a registered model from its certificate: `reproduce`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from retide.cli.checkouts import bundle, lay
from retide.cli.commands.decisions import parse_which
from retide.cli.commands.lineage import chosen, known_versions
from retide.cli.failures import CliError
from retide.cli.options import DEV, StageName, TargetName, open_stage
from retide.cli.output import counted, listed, out, shorten, tell
from retide.cli.places import IMAGE, Places
from retide.cli.rebuilding import Comparison, Rebuilt, Workshop, compare
from retide.cli.remote_rebuilding import train_there
from retide.domain.certificate import Certificate


def reproduce(
    which: Annotated[str, typer.Argument(metavar="MODEL[@VERSION]", help="Without a version: the newest.")],
    job: Annotated[
        bool,
        typer.Option("--job", help="As a training job of the stage, not on this machine."),
    ] = False,
    stage: StageName = DEV,
    target: TargetName = None,
) -> None:
    """Rebuild a registered model from its certificate, and say how like the original it is."""
    model, wanted = parse_which(which)
    opened, places = open_stage(stage, target), Places.here()
    version = chosen(known_versions(opened, opened.model(model)), model, wanted)
    if version.certificate is None:
        raise CliError(f"{version.name} cannot be rebuilt: {version.lacking}")
    certificate = version.certificate
    instances = places.boosting_python(model) if certificate.boosting and not job else None
    with tempfile.TemporaryDirectory(prefix="retide-reproduce-") as scratch:
        workshop = Workshop(Path(scratch), places.images()[IMAGE], opened.objects, instances)
        if job:
            rebuilt = train_there(opened, certificate, workshop.base, tell)
        else:
            rebuilt = _here(workshop, places, version.name, certificate)
        comparison = compare(workshop, certificate, rebuilt, lay(places.root, "this checkout"))
    for line in said(version.name, certificate, comparison):
        out().print(line, markup=False, soft_wrap=True)
    if not comparison.agrees:
        raise CliError(f"{version.name} was not reproduced")


def _here(workshop: Workshop, places: Places, name: str, certificate: Certificate) -> Rebuilt:
    with bundle(places.root, certificate.model, certificate.code) as found:
        tell(f"training {name} again by the code of {found.place}")
        return workshop.train(certificate, found)


def said(name: str, certificate: Certificate, found: Comparison) -> Iterator[str]:
    """Which of the two was shown: the same bytes, or the same predictions within the tolerance."""
    if found.identical:
        count = counted(len(certificate.artefact.members), "file")
        yield f"{name} is reproduced, byte for byte: {count}, artefact digest {found.digest}"
        return
    differing = f"{listed(found.differing[:5])} ({counted(len(found.differing), 'file')})"
    yield f"{name} is not the same bytes: other than they were are {differing}"
    verdict = "within" if found.agrees else "beyond"
    yield (
        f"its predictions on all {found.rows} rows of dataset {shorten(certificate.data.id)} differ by at most "
        f"{found.max_abs:.3g}, {verdict} the tolerance of {found.allowed:.3g}"
    )
    if certificate.code.image != IMAGE:
        yield f"it was made in {certificate.code.image}, this machine's jobs stand for {IMAGE}"
    yield "the same bytes are promised in the same image, on the same family of processors, with one thread"
