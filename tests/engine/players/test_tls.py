"""Certificates that cannot be trusted, and those that can."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import EndpointError
from engine.records import ResponseStatus
from tests.engine.players.asking import ask_one, player
from tests.servers.fake_clock import FakeClock
from tests.servers.loopback import LoopbackServer
from tests.servers.openai_server import Served

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody has signed but itself, with its key in the same file."""
    folder = tmp_path_factory.mktemp("tls")
    made = folder / "both.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=loopback"
    )
    command += f" -addext subjectAltName=IP:127.0.0.1 -keyout {folder / 'key.pem'} -out {folder / 'cert.pem'}"
    subprocess.run(command.split(), check=True, capture_output=True)
    made.write_text((folder / "cert.pem").read_text() + (folder / "key.pem").read_text())
    return made


@pytest.fixture
def served(certificate: Path) -> Iterator[Served]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with LoopbackServer(context) as server:
        yield Served(server)


def test_a_certificate_that_nobody_signed_stops_the_run(served: Served, clock: FakeClock) -> None:
    with pytest.raises(EndpointError) as raised:
        ask_one(player(clock, served))
    assert "TLS failure" in raised.value.text
    assert "certificate verify failed" in raised.value.text
    assert clock.slept == []


def test_plain_http_to_a_tls_port_is_no_answer(served: Served, clock: FakeClock) -> None:
    asked = player(clock, plan={"endpoints": (served.url.replace("https", "http"),)})
    with pytest.raises(EndpointError):
        ask_one(asked)


def test_one_that_the_environment_trusts_is_asked(
    served: Served, clock: FakeClock, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert ask_one(player(clock, served)).status is ResponseStatus.OK
