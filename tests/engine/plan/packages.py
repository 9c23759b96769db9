"""Packages with plug-ins, laid down as pip leaves them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def install(
    folder: Path, name: str, entry_points: Mapping[str, Mapping[str, str]], modules: Mapping[str, str]
) -> None:
    """Put a package into a folder that stands on the import path.

    Args:
        entry_points: group -> name -> target.
        modules: module -> source.
    """
    metadata = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    sections = (
        f"[{group}]\n" + "".join(f"{plugin} = {target}\n" for plugin, target in targets.items())
        for group, targets in entry_points.items()
    )
    (metadata / "INSTALLER").write_text("pip\n")
    (metadata / "entry_points.txt").write_text("\n".join(sections))
    for module, source in modules.items():
        (folder / f"{module}.py").write_text(source)
