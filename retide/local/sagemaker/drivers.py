"""The scripts that the SDK's ModelTrainer sends along: their own text names /opt/ml, which lies elsewhere here."""

from __future__ import annotations

from typing import Final

from retide.local.sagemaker.container import Sandbox

CHANNEL: Final = "sm_drivers"
SCRIPTS: Final = frozenset({".py", ".sh"})
PIP: Final = """#!/bin/sh
echo "The local cloud's images install nothing: what a script imports must be in the image's own environment." >&2
exit 1
"""


def lay_drivers(sandbox: Sandbox) -> None:
    """Where the channel is there: its scripts with this sandbox's paths, and the `pip3` that they look for.

    Only the SDK's own scripts are changed; a person's find their folders in SM_MODEL_DIR, SM_CHANNEL_TRAIN and so on.
    """
    folder = sandbox.base / "input/data" / CHANNEL
    if not folder.is_dir():
        return
    for script in (path for path in folder.rglob("*") if path.suffix in SCRIPTS and path.is_file()):
        script.write_text(sandbox.reroot(script.read_text(encoding="utf-8")), encoding="utf-8")
    pip = sandbox.programs / "pip3"
    pip.parent.mkdir(exist_ok=True)
    pip.write_text(PIP, encoding="utf-8")
    pip.chmod(0o755)
