"""A whole store written out, a file a table, as `import store` reads it back."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from engine.errors import UsageError, UserError
from engine.formats.export import Column, ColumnKind, ExportFormat, export_rows
from engine.store.export import COLUMNS, table_rows
from engine.store.store import Store


def columns_of(table: str) -> list[Column]:
    """The columns of a table as a file has them."""
    return [Column(name, ColumnKind(kind)) for name, kind in COLUMNS[table].items()]


def export_store(store: Store, folder: Path, form: ExportFormat, *, force: bool = False) -> dict[str, int]:
    """Write every table, all of one moment's state, aside and then moved, so that the folder is never half an export.

    Args:
        force: replace an export that is there; other files of the folder stay.

    Returns:
        Rows by table.

    Raises:
        UsageError: the folder is no folder, or has files, and nobody forces it.
        UserError: it cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is no folder", mend="export all writes a file a table: name a folder.")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise UsageError(
            f"{folder} is not empty", mend="Name another folder, or replace the export there with --force."
        )
    folder = folder.resolve()
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        aside.mkdir(parents=True)
        with store.snapshot() as connection:
            rows = {
                table: export_rows(
                    table_rows(connection, table), columns_of(table), form, aside / _file(table, form)
                )
                for table in COLUMNS
            }
        _move(aside, folder)
    except OSError as error:
        raise UserError(f"cannot write {folder}", error.strerror or str(error)) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return rows


def _file(table: str, form: ExportFormat) -> str:
    return f"{table}.{form.value}"


def _move(aside: Path, folder: Path) -> None:
    """Let the files of one folder take the place of another's; a table there in another format goes."""
    if not folder.exists():
        aside.rename(folder)
        return
    for table in COLUMNS:
        for form in ExportFormat:
            written, there = aside / _file(table, form), folder / _file(table, form)
            if written.exists():
                written.replace(there)
            else:
                there.unlink(missing_ok=True)
