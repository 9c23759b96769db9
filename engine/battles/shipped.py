"""Answers that come with the program, so that the pocket arena runs without torch.

They are what the pocket world's players said to the shipped prompts, under their content keys: another seed, another
sampling or other weights have other keys, and are answered anew.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from engine.battles.cast import Cast
from engine.battles.schedule import Schedule
from engine.records import Response, ResponseStatus, Turn
from engine.store.responses import NewResponse, land_responses, read_responses, statuses
from engine.store.store import Fence, Store, open_store


def answers_file() -> Path:
    """Where the shipped answers are."""
    return Path(str(resources.files("data"))) / "pocket" / "answers.jsonl.gz"


def land_shipped_answers(store: Store, fence: Fence | None, schedule: Schedule, cast: Cast) -> int:
    """Land the shipped answers that a schedule asks for and the store lacks, or has as failures; return how many."""
    path = answers_file()
    seats = {seat.contestant.key: seat for seat in cast.seats.values()}
    if not path.exists() or not seats.keys() & _players(path):
        return 0
    owed = {
        key: (prompt.id, seat.contestant.id)
        for seat in seats.values()
        for prompt in schedule.prompts
        for key in schedule.answers_on(seat.name, prompt)
    }
    stands = {
        key
        for key, (status, _) in statuses(store.reader, owed).items()
        if status is not ResponseStatus.FAILED
    }
    items = [
        NewResponse(row["key"], *owed[row["key"]], _response(row))
        for row in _rows(path)
        if row["key"] in owed and row["key"] not in stands
    ]
    with store.write(fence) as tx:
        land_responses(tx, items)
    return len(items)


def write_shipped_answers(store: Store, path: Path) -> int:
    """Write all whole responses of a store as the answers to ship; return how many."""
    players = dict(store.reader.execute("SELECT id, key FROM players"))
    keys = [
        key
        for (key,) in store.reader.execute("SELECT key FROM responses WHERE status != 'failed' ORDER BY key")
    ]
    found = read_responses(store.reader, keys)
    lines = [{"players": sorted(players.values())}, *(_row(key, found[key].response) for key in keys)]
    text = "".join(json.dumps(line, ensure_ascii=True) + "\n" for line in lines)
    # No name and no time in the header, so that the same answers make the same file.
    with path.open("wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as file:
        file.write(text.encode("ascii"))
    return len(keys)


def _players(path: Path) -> set[str]:
    with gzip.open(path, "rt", encoding="ascii") as file:
        return set(json.loads(file.readline())["players"])


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="ascii") as file:
        file.readline()
        for line in file:
            yield json.loads(line)


def _row(key: str, response: Response) -> dict[str, Any]:
    turns = [[t.answer, t.finish_reason, t.tokens_in, t.tokens_out] for t in response.turns]
    return {"key": key, "status": response.status.value, "sample": response.sample, "turns": turns}


def _response(row: dict[str, Any]) -> Response:
    turns = tuple(
        Turn(answer, None, reason, tokens_in, tokens_out)
        for answer, reason, tokens_in, tokens_out in row["turns"]
    )
    return Response(ResponseStatus(row["status"]), turns, row["sample"])


def main(store: str, out: str) -> None:
    """`python -m engine.battles.shipped STORE FILE`: what `make pocket` ends with."""
    with open_store(Path(store)) as opened:
        write_shipped_answers(opened, Path(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
