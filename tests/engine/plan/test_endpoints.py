"""What a file of endpoints may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import PlanError
from engine.plan import endpoints_in_file


def test_one_url_a_line_each_once(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("# two\nhttp://b/v1\n\n  http://a/v1  # slow\nhttp://b/v1\n")
    assert endpoints_in_file(hosts) == ("http://b/v1", "http://a/v1")


def test_a_file_that_is_empty_or_missing_lists_nothing(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    assert endpoints_in_file(hosts) == ()
    hosts.write_text("")
    assert endpoints_in_file(hosts) == ()


def test_lines_that_are_no_urls_are_told_without_their_secrets(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("http://a/v1\nhttp://u:CANARY@b/v1\nlocalhost:8000\n")
    with pytest.raises(PlanError) as raised:
        endpoints_in_file(hosts)
    assert [(problem.line, problem.source) for problem in raised.value.problems] == [
        (2, str(hosts)),
        (3, str(hosts)),
    ]
    assert "CANARY" not in str(raised.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_bytes(b"\xff")
    with pytest.raises(PlanError, match="cannot be read"):
        endpoints_in_file(hosts)
    with pytest.raises(PlanError, match="cannot be read"):
        endpoints_in_file(tmp_path)
