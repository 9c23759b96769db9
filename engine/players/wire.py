"""The openai client, held to our rules. Importing this costs what openai costs: only `open` does it.

One place sees every byte that comes back: no redirect is followed, no body grows past the limit (also after
decompression, also of an error), nothing is retried behind our back, and whatever is raised becomes one of ours.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx2
import openai

from engine.players import strict_json
from engine.players.completion import error_message
from engine.players.failures import EndpointFault, Failure, Rejected, Transient, failure_of_status
from engine.players.redact import NO_KEY, ApiKey, scrub

CONNECT_TIMEOUT_S = 10.0
SHORTEST_SECRET = 16
"""A shorter key (`EMPTY`, `token-abc123`) is a word that an honest answer may hold."""
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class _BodyTooLarge(Exception):
    """More bytes than an answer can have."""


class _BoundedClient(openai.DefaultAioHttpClient):
    """Reads each body whole, up to a limit, before anybody else sees the response."""

    max_body_bytes = 0

    async def send(self, request: httpx2.Request, *, stream: bool = False, **kwargs: Any) -> httpx2.Response:
        response = await super().send(request, stream=True, **(kwargs | {"follow_redirects": False}))
        try:
            body = await self._read(response)
        finally:
            await response.aclose()
        kept = [(name, value) for name, value in response.headers.multi_items() if not _of_the_body(name)]
        return httpx2.Response(response.status_code, headers=kept, content=body, request=request)

    async def _read(self, response: httpx2.Response) -> bytes:
        pieces, size = [], 0
        async for piece in response.aiter_bytes():
            size += len(piece)
            if size > self.max_body_bytes:
                raise _BodyTooLarge
            pieces.append(piece)
        return b"".join(pieces)


def _of_the_body(header: str) -> bool:
    return header.lower() in {"content-encoding", "content-length", "transfer-encoding"}


class Wire:
    """One base URL and the connections to it.

    Args:
        url: base URL such as `http://host:8000/v1`.
        key: None sends the dummy key that servers without keys ignore.
        connections: at most so many at a time.
        wall: seconds since 1970, for dates in Retry-After.
    """

    def __init__(
        self,
        url: str,
        key: ApiKey | None,
        *,
        connections: int,
        max_body_bytes: int,
        wall: Callable[[], float],
    ) -> None:
        self._key = key
        self._wall = wall
        self._max_body_bytes = max_body_bytes
        http = _BoundedClient(
            timeout=httpx2.Timeout(None, connect=CONNECT_TIMEOUT_S),
            limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections),
            mounts=_no_proxy(url),
        )
        http.max_body_bytes = max_body_bytes
        self._client = openai.AsyncOpenAI(
            base_url=url, api_key=NO_KEY if key is None else key.reveal(), max_retries=0, http_client=http
        )
        # Account names that the environment may hold are not for every server that a plan names.
        self._client.organization = self._client.project = None

    async def post(self, path: str, body: bytes) -> bytes:
        """POST JSON; the body of a response with status 2xx. `path` is below the base URL, or a whole URL.

        Raises:
            Transient, Rejected, EndpointFault: with a reason that holds no secret.
        """
        return await self._exchange(self._client.post(path, cast_to=httpx2.Response, content=body))

    async def get(self, path: str) -> bytes:
        """GET; see `post`."""
        return await self._exchange(self._client.get(path, cast_to=httpx2.Response))

    async def close(self) -> None:
        await self._client.close()

    async def _exchange(self, call: Awaitable[httpx2.Response]) -> bytes:
        try:
            body = (await call).content
        except (openai.OpenAIError, httpx2.HTTPError, aiohttp.ClientError, _BodyTooLarge, OSError) as error:
            raise self._failure(error) from None
        except ValueError as error:  # a header or a content coding that cannot be read
            raise Transient(self.scrub(f"bad response: {error}")) from None
        if any(len(secret) >= SHORTEST_SECRET and secret.encode() in body for secret in self._secrets()):
            raise Rejected("the body repeats the API key")
        return body

    def _secrets(self) -> list[str]:
        return [] if self._key is None else [self._key.reveal()]

    def scrub(self, text: str) -> str:
        """A text that may be shown: without the key."""
        return scrub(text, self._secrets())

    def _failure(self, error: Exception) -> Failure:
        if isinstance(error, openai.APIStatusError):
            headers = {name.lower(): value for name, value in error.response.headers.items()}
            message = self.scrub(_words(error.response.content))
            return failure_of_status(error.status_code, headers, message, self._wall())
        if isinstance(error, _BodyTooLarge):
            return Transient(f"the body is larger than {self._max_body_bytes / 1e6:g} MB")
        cause = _root(error)
        reason = self.scrub(" ".join(f"{cause}".split())[:200] or type(cause).__name__)
        if isinstance(cause, ssl.SSLCertVerificationError):
            return EndpointFault(f"TLS failure: {reason}")
        return Transient(f"no response: {reason}")


def _no_proxy(url: str) -> dict[str, None]:
    """A proxy that the environment names is for the world outside, not for a server on this machine."""
    host = urlsplit(url).hostname or ""
    if host not in LOOPBACK:
        return {}
    return {f"all://[{host}]" if ":" in host else f"all://{host}": None}


def _root(error: BaseException) -> BaseException:
    while (deeper := error.__cause__ or error.__context__) is not None:
        error = deeper
    return error


def _words(body: bytes) -> str:
    """What an error body says, on one line."""
    try:
        answer = strict_json.loads(body)
    except ValueError:
        return " ".join(body[:200].decode("utf-8", "replace").split())
    return error_message(answer) if isinstance(answer, dict) else ""
