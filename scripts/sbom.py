"""Write what every lock holds as CycloneDX JSON into build/sbom/: the same bytes for the same locks."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).resolve().parent.parent
TARGET: Final = ROOT / "build/sbom"
PIN: Final = re.compile(r"(?m)^(?P<name>[\w.-]+)==(?P<version>[^ ;\\\n]+)(?: ; (?P<marker>[^\\\n]+))?")


def of_python(lock: Path) -> Bom:
    """Packages of one of requirements/*.txt; a package that only some platforms need says which."""
    text = lock.read_text(encoding="utf-8")
    return _bom(lock, (_python_package(pin) for pin in PIN.finditer(text)))


def of_node(lock: Path) -> Bom:
    """Packages of package-lock.json with the hash of each."""
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    return _bom(lock, (_node_package(path, entry) for path, entry in packages.items() if path))


def _python_package(pin: re.Match[str]) -> Component:
    name = canonicalize_name(pin["name"])
    marker = [Property(name="retide:marker", value=pin["marker"].strip())] if pin["marker"] else []
    purl = PackageURL("pypi", name=name, version=pin["version"])
    return _component(purl, name, pin["version"], properties=marker)


def _node_package(path: str, entry: dict[str, str]) -> Component:
    name = path.rpartition("node_modules/")[2]
    algorithm, _, digest = entry["integrity"].partition("-")
    if algorithm != "sha512":
        raise ValueError(f"package-lock.json: {path} is bound by {algorithm}, not by sha512: run `make lock`")
    hashes = [HashType(alg=HashAlgorithm.SHA_512, content=base64.b64decode(digest).hex())]
    namespace, _, plain = name.rpartition("/")
    purl = PackageURL("npm", namespace=namespace or None, name=plain, version=entry["version"])
    return _component(purl, name, entry["version"], hashes=hashes)


def _component(
    purl: PackageURL,
    name: str,
    version: str,
    *,
    hashes: list[HashType] | None = None,
    properties: list[Property] | None = None,
) -> Component:
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        purl=purl,
        bom_ref=str(purl),
        hashes=hashes,
        properties=properties,
    )


def _bom(lock: Path, components: Iterator[Component]) -> Bom:
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    bom = Bom(components=components, serial_number=uuid.uuid5(uuid.NAMESPACE_OID, f"{lock.name} {digest}"))
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=digest)]
    whole = Component(name=lock.name, type=ComponentType.FILE, bom_ref=lock.name, hashes=hashes)
    bom.metadata.component = whole
    bom.register_dependency(whole, bom.components)
    return bom


def written(bom: Bom) -> str:
    """The document without the moment of its making, which would be all that differs from one build to the next."""
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    document["metadata"].pop("timestamp", None)
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def main(root: Path = ROOT, target: Path = TARGET) -> int:
    target.mkdir(parents=True, exist_ok=True)
    boms = {lock.stem: of_python(lock) for lock in sorted((root / "requirements").glob("*.txt"))}
    boms["node"] = of_node(root / "package-lock.json")
    for name, bom in boms.items():
        (target / f"{name}.cdx.json").write_text(written(bom), encoding="utf-8")
        print(f"sbom: {name}: {len(bom.components)} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
