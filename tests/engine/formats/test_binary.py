from __future__ import annotations

import random
from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.formats.binary import binary_kind
from engine.formats.tables import Kind, detect


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_a_pdf_is_binary_whatever_its_line_ends(tmp_path: Path, end: bytes) -> None:
    path = tmp_path / "battles.csv"
    path.write_bytes(end.join([b"%PDF-1.7", b"%\xe2\xe3\xcf\xd3", b"1 0 obj", b"<</Type/Catalog>>", b""]))
    with pytest.raises(UsageError, match="is binary, of no kind that is read") as raised:
        detect(path)
    assert raised.value.text == "It is a PDF."


def test_random_bytes_and_wide_text_without_a_mark_are_binary() -> None:
    assert binary_kind(random.Random(0).randbytes(4096)) == ""
    assert binary_kind("model_a,model_b,winner\n".encode("utf-16-le")) == ""


@pytest.mark.parametrize(
    "text",
    [
        b"first,second\n1,\x002\n",
        "naïve,straße\n".encode("latin-1"),
        "模型,模型\n".encode()[:-2],
        ("\x1b[31mred\x1b[0m," * 9).encode(),
        "\x01\x02\x03,é\n".encode(),
    ],
)
def test_text_is_not_binary_for_a_control_or_an_old_encoding(tmp_path: Path, text: bytes) -> None:
    assert binary_kind(text) is None
    path = tmp_path / "t.csv"
    path.write_bytes(text)
    assert detect(path) is Kind.CSV
