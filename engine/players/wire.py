"""One server's HTTP, held to our rules. Importing this costs what aiohttp costs: only `open` does it.

One place sees every byte that comes back: no redirect is followed, no body grows past the limit (also after
decompression, also of an error), nothing is retried or waited for behind our back, no cookie is kept, and whatever is
raised becomes one of ours.
"""

from __future__ import annotations

import os
import re
import ssl
import urllib.request
from collections.abc import Callable, Iterator
from functools import lru_cache
from urllib.parse import urlsplit

import aiohttp
import certifi
from yarl import URL

from engine.players import strict_json
from engine.players.completion import error_message
from engine.players.failures import EndpointFault, Failure, Rejected, Transient, failure_of_status
from engine.players.redact import NO_KEY, ApiKey, scrub

CONNECT_TIMEOUT_S = 10.0
KEEPALIVE_S = 4.0
"""A connection that is idle for longer is not used again: uvicorn, on which most servers stand, closes it after 5 s,
and a request that meets the close is lost."""
SHORTEST_SECRET = 16
"""A shorter key (`EMPTY`, `token-abc123`) is a word that an honest answer may hold."""
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class _BodyTooLarge(Exception):
    """More bytes than an answer can have."""


class Wire:
    """One base URL and the connections to it. Make it inside the event loop that uses it.

    Args:
        url: base URL such as `http://host:8000/v1`.
        key: None sends the dummy key that servers without keys ignore.
        max_body_bytes: largest body, decompressed.
        wall: seconds since 1970, for dates in Retry-After.
    """

    def __init__(
        self, url: str, key: ApiKey | None, *, max_body_bytes: int, wall: Callable[[], float]
    ) -> None:
        self._base = url
        self._key = key
        self._wall = wall
        self._max_body_bytes = max_body_bytes
        self._proxy = _proxy_for(url)
        self._url = lru_cache(maxsize=8)(self._make_url)
        connector = aiohttp.TCPConnector(
            limit=0,  # the pool of endpoints counts
            keepalive_timeout=KEEPALIVE_S,
            ssl=_trusted() if url.startswith("https:") else True,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"accept": "application/json", "user-agent": "arena-tui"},
        )

    async def post(self, path: str, body: bytes) -> bytes:
        """POST JSON; the body of a response with status 2xx. `path` is below the base URL, or a whole URL.

        Raises:
            Transient, Rejected, EndpointFault: with a reason that holds no secret.
        """
        return await self._exchange("POST", path, body)

    async def get(self, path: str) -> bytes:
        """GET; see `post`."""
        return await self._exchange("GET", path, None)

    async def close(self) -> None:
        await self._session.close()

    def scrub(self, text: str) -> str:
        """A text that may be shown: without the key."""
        return scrub(text, self._secrets())

    async def _exchange(self, method: str, path: str, sent: bytes | None) -> bytes:
        try:
            status, headers, body = await self._ask(method, path, sent)
        except (aiohttp.ClientError, _BodyTooLarge, OSError) as error:
            raise self._failure(error) from None
        except RuntimeError:
            if not self._session.closed:
                raise
            raise Transient("no response: the endpoint was given up meanwhile") from None
        except ValueError as error:  # a header or a content coding that cannot be read
            raise Transient(self.scrub(f"bad response: {error}")) from None
        if not 200 <= status < 300:
            # Scrubbed whole and cut afterwards: half a key is a secret too.
            raise failure_of_status(status, headers, self.scrub(_words(body)), self._wall())
        if self._repeats_key(body):
            raise Rejected("the body repeats the API key")
        return body

    def _repeats_key(self, body: bytes) -> bool:
        """Whether a body holds the key, in whatever way JSON may spell it."""
        secrets = [secret.encode() for secret in self._secrets() if len(secret) >= SHORTEST_SECRET]
        return bool(secrets) and any(secret in text for text in (body, _plain(body)) for secret in secrets)

    async def _ask(self, method: str, path: str, sent: bytes | None) -> tuple[int, dict[str, str], bytes]:
        """Status, headers by lower-case name, and the whole body."""
        async with self._session.request(
            method,
            self._url(path),
            data=sent,
            headers=self._headers(),
            allow_redirects=False,
            proxy=self._proxy,
        ) as response:
            body = await self._read(response)
            if 200 <= response.status < 300:
                return response.status, {}, body
            return response.status, {name.lower(): value for name, value in response.headers.items()}, body

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        pieces, size = [], 0
        async for piece in response.content.iter_any():
            size += len(piece)
            if size > self._max_body_bytes:
                raise _BodyTooLarge
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _make_url(self, path: str) -> URL:
        return URL(path if "://" in path else self._base + path)

    def _headers(self) -> dict[str, str]:
        """Per request and never of the session, whose headers a proxy gets too."""
        key = NO_KEY if self._key is None else self._key.reveal()
        return {"authorization": f"Bearer {key}", "content-type": "application/json"}

    def _secrets(self) -> Iterator[str]:
        if self._key is not None:
            yield self._key.reveal()
        if self._proxy is not None and self._proxy.password:
            yield self._proxy.password

    def _failure(self, error: Exception) -> Failure:
        if isinstance(error, _BodyTooLarge):
            return Transient(f"the body is larger than {self._max_body_bytes / 1e6:g} MB")
        cause = _root(error)
        reason = " ".join(self.scrub(f"{cause}").split())[:200] or type(cause).__name__
        if isinstance(cause, ssl.SSLCertVerificationError):
            return EndpointFault(f"TLS failure: {reason}")
        return Transient(f"no response: {reason}")


def _trusted() -> ssl.SSLContext:
    """What SSL_CERT_FILE or SSL_CERT_DIR trusts; without them the system and certifi's list, because not every Python
    finds the system's."""
    context = ssl.create_default_context()
    if not os.environ.keys() & {"SSL_CERT_FILE", "SSL_CERT_DIR"}:
        context.load_verify_locations(certifi.where())
    return context


def _proxy_for(url: str) -> URL | None:
    """The proxy that the environment names, with its user. It is for the world outside, not for this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in LOOPBACK or urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    named = proxies.get(parts.scheme) or proxies.get("all")
    return URL(named) if named else None


def _root(error: BaseException) -> BaseException:
    while (deeper := error.__cause__ or error.__context__) is not None:
        error = deeper
    return error


def _words(body: bytes) -> str:
    """What an error body says, on one line."""
    try:
        answer = strict_json.loads(body)
    except ValueError:
        return " ".join(body.decode("utf-8", "replace").split())
    return error_message(answer) if isinstance(answer, dict) else ""


_ESCAPED = re.compile(rb"\\(?:u00([0-7][0-9a-fA-F])|/)")


def _plain(body: bytes) -> bytes:
    """A body with JSON's escapes of ASCII undone."""
    if b"\\" not in body:
        return body
    return _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()) if found[1] else b"/", body)
