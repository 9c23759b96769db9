"""Files of endpoints are read when they are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import PlanError
from engine.plan import PlayerPlan, endpoint_urls


def entry(*endpoints: str) -> PlayerPlan:
    return PlayerPlan(kind="http", endpoints=endpoints)


def test_urls_and_files_together_each_once(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("# two\nhttp://a/v1\n\n  http://b/v1  # slow\n")
    assert endpoint_urls(entry("http://b/v1", f"@{hosts}")) == ("http://b/v1", "http://a/v1")
    hosts.write_text("")
    assert endpoint_urls(entry(f"@{hosts}")) == ()
    assert endpoint_urls(PlayerPlan(kind="recorded")) == ()


def test_lines_that_are_no_urls_are_told_without_their_secrets(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("http://a/v1\nhttp://u:CANARY@b/v1\nlocalhost:8000\n")
    with pytest.raises(PlanError) as raised:
        endpoint_urls(entry(f"@{hosts}"))
    assert [(problem.line, problem.source) for problem in raised.value.problems] == [
        (2, str(hosts)),
        (3, str(hosts)),
    ]
    assert "CANARY" not in str(raised.value)


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    hosts = tmp_path / "hosts"
    if content is not None:
        hosts.write_bytes(content)
    with pytest.raises(PlanError, match="cannot be read"):
        endpoint_urls(entry(f"@{hosts}"))
