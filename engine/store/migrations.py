"""The schema, as numbered steps that are only ever added to. A fresh store is all steps in order.

Each step runs with the record of it in one transaction (sqlite_utils.migrations), all pending steps of an opening in
one more around them, so a crash leaves the store as it was. `user_version` counts the steps, so that a reader
knows an older or newer store without this module.

Texts and names that come from outside are stored as engine.store.texts says. Times are seconds since 1970.
Categories: '' is all of them together.
verdicts.source: what tells an imported verdict from others of its judge, prompt and players; null for our own runs.
battles.source: the same of an imported battle that has no game whose verdict would say it.
arenas.ratings: how the plan wants an arena rated that came from another store, as JSON; null where a job here says it.
prompts.filled_by: the import that brought the text of a prompt which was known by name only.
pair_counts.win_share: in units of 2**-32, so that sums are exact whatever their order.
meta.generation: grows whenever rows are deleted, so that who keeps their numbers knows to look again.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

APPLICATION_ID = 0x41724E54
"""Marks the file as ours in SQLite's header ("ArNT")."""

# What a plan, an import or a person brings in.
_NOUNS = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE texts (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, body NOT NULL);
CREATE TABLE imports (
    id INTEGER PRIMARY KEY, format TEXT NOT NULL, source NOT NULL, options TEXT NOT NULL,
    first_position INTEGER NOT NULL, started_at REAL NOT NULL, ended_at REAL,
    taken TEXT NOT NULL DEFAULT '{}', known TEXT NOT NULL DEFAULT '{}', set_aside TEXT NOT NULL DEFAULT '{}',
    undone_at REAL
);
CREATE TABLE set_aside (
    id INTEGER PRIMARY KEY, import_id INTEGER NOT NULL REFERENCES imports(id),
    reason NOT NULL, file NOT NULL, line INTEGER NOT NULL, text NOT NULL
);
CREATE INDEX set_aside_by_import ON set_aside(import_id, reason);
CREATE TABLE prompts (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, conversation INTEGER REFERENCES texts(id),
    open_turns INTEGER NOT NULL, import_id INTEGER REFERENCES imports(id), filled_by INTEGER REFERENCES imports(id)
);
CREATE TABLE prompt_sets (
    id INTEGER PRIMARY KEY, name NOT NULL UNIQUE, created_at REAL NOT NULL, import_id INTEGER REFERENCES imports(id)
);
CREATE TABLE prompt_set_items (
    set_id INTEGER NOT NULL REFERENCES prompt_sets(id), name NOT NULL, position INTEGER NOT NULL,
    prompt_id INTEGER NOT NULL REFERENCES prompts(id), category, difficulty REAL, meta TEXT,
    import_id INTEGER REFERENCES imports(id),
    PRIMARY KEY (set_id, name)
) WITHOUT ROWID;
CREATE UNIQUE INDEX prompt_set_items_in_order ON prompt_set_items(set_id, position);
CREATE INDEX prompt_set_items_by_prompt ON prompt_set_items(prompt_id);
CREATE TABLE models (
    id INTEGER PRIMARY KEY, name NOT NULL UNIQUE, kind TEXT NOT NULL, identity TEXT NOT NULL UNIQUE,
    facts TEXT NOT NULL, template_hash TEXT, path, created_at REAL NOT NULL,
    import_id INTEGER REFERENCES imports(id)
);
CREATE TABLE players (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name NOT NULL UNIQUE,
    model_id INTEGER NOT NULL REFERENCES models(id), sampling TEXT, alias_of INTEGER REFERENCES players(id),
    created_at REAL NOT NULL, import_id INTEGER REFERENCES imports(id)
);
CREATE TABLE judges (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name NOT NULL UNIQUE, kind TEXT NOT NULL,
    facts TEXT NOT NULL, created_at REAL NOT NULL, import_id INTEGER REFERENCES imports(id)
);
"""

_JOBS = """
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY, digest TEXT NOT NULL, name NOT NULL, plan TEXT NOT NULL, state TEXT NOT NULL
        CHECK (state IN ('queued', 'running', 'paused', 'done', 'failed', 'cancelled', 'unfinished')),
    request TEXT CHECK (request IN ('pause', 'drain', 'cancel')), limits TEXT NOT NULL DEFAULT '{}',
    progress TEXT NOT NULL DEFAULT '{}', reason, created_at REAL NOT NULL, ended_at REAL
);
CREATE UNIQUE INDEX jobs_one_open_per_plan ON jobs(digest)
    WHERE state IN ('queued', 'running', 'paused', 'unfinished');
CREATE TABLE workers (
    id TEXT PRIMARY KEY, host NOT NULL, boot_id TEXT NOT NULL, pid INTEGER NOT NULL, pid_started_at REAL NOT NULL,
    started_at REAL NOT NULL, heartbeat_at REAL NOT NULL, stopped_at REAL
) WITHOUT ROWID;
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY, job_id INTEGER NOT NULL REFERENCES jobs(id), number INTEGER NOT NULL,
    worker_id TEXT NOT NULL REFERENCES workers(id), state TEXT NOT NULL
        CHECK (state IN ('running', 'ended', 'lost')),
    lease_until REAL NOT NULL, started_at REAL NOT NULL, ended_at REAL, exit_code INTEGER, reason,
    UNIQUE (job_id, number)
);
CREATE UNIQUE INDEX attempts_one_running_per_job ON attempts(job_id) WHERE state = 'running';
CREATE TABLE units (
    job_id INTEGER NOT NULL REFERENCES jobs(id), unit TEXT NOT NULL, takes INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('taken', 'set_aside')), reason,
    PRIMARY KEY (job_id, unit)
) WITHOUT ROWID;
CREATE TABLE events (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL, level TEXT NOT NULL,
    job_id INTEGER REFERENCES jobs(id), attempt_id INTEGER REFERENCES attempts(id), facts TEXT NOT NULL
);
CREATE INDEX events_by_job ON events(job_id, id);
"""

# What players and judges make.
_ANSWERS = """
CREATE TABLE responses (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, prompt_id INTEGER NOT NULL REFERENCES prompts(id),
    player_id INTEGER NOT NULL REFERENCES players(id), sample INTEGER NOT NULL, status TEXT NOT NULL
        CHECK (status IN ('ok', 'empty', 'cut', 'refused', 'failed')),
    error, tries INTEGER NOT NULL, tokens_in INTEGER, tokens_out INTEGER, latency_ms REAL, characters INTEGER NOT NULL,
    created_at REAL NOT NULL, attempt_id INTEGER REFERENCES attempts(id), import_id INTEGER REFERENCES imports(id)
);
CREATE INDEX responses_by_prompt ON responses(prompt_id, player_id);
CREATE INDEX responses_by_player ON responses(player_id, status);
CREATE TABLE response_turns (
    response_id INTEGER NOT NULL REFERENCES responses(id) ON DELETE CASCADE, turn INTEGER NOT NULL,
    answer INTEGER NOT NULL REFERENCES texts(id), thinking INTEGER REFERENCES texts(id), finish_reason,
    tokens_in INTEGER, tokens_out INTEGER, latency_ms REAL,
    PRIMARY KEY (response_id, turn)
) WITHOUT ROWID;
CREATE TABLE verdicts (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, try INTEGER NOT NULL, judge_id INTEGER NOT NULL REFERENCES judges(id),
    kind TEXT NOT NULL CHECK (kind IN ('scores', 'preference', 'grade', 'winner', 'single')),
    status TEXT NOT NULL CHECK (status IN ('ok', 'unparsable', 'refused', 'cut', 'failed')),
    value TEXT, reason, explanation INTEGER REFERENCES texts(id), raw INTEGER REFERENCES texts(id),
    thinking INTEGER REFERENCES texts(id), finish_reason, tokens_in INTEGER, tokens_out INTEGER, latency_ms REAL,
    turn INTEGER, source, prompt_id INTEGER NOT NULL REFERENCES prompts(id),
    player_first INTEGER NOT NULL REFERENCES players(id), player_second INTEGER REFERENCES players(id),
    response_first INTEGER REFERENCES responses(id), response_second INTEGER REFERENCES responses(id),
    created_at REAL NOT NULL, attempt_id INTEGER REFERENCES attempts(id), import_id INTEGER REFERENCES imports(id),
    UNIQUE (key, try)
);
CREATE INDEX verdicts_by_judge ON verdicts(judge_id, status);
"""

_ARENA = """
CREATE TABLE arenas (
    id INTEGER PRIMARY KEY, name NOT NULL UNIQUE, outcome_rule TEXT NOT NULL
        CHECK (outcome_rule IN ('mean-margin', 'strict', 'per-game')),
    on_cut TEXT NOT NULL CHECK (on_cut IN ('void', 'loss', 'judge')),
    created_at REAL NOT NULL, import_id INTEGER REFERENCES imports(id)
);
CREATE TABLE battles (
    id INTEGER PRIMARY KEY, arena_id INTEGER NOT NULL REFERENCES arenas(id), key TEXT NOT NULL,
    judge_id INTEGER NOT NULL REFERENCES judges(id), prompt_id INTEGER NOT NULL REFERENCES prompts(id),
    player_a INTEGER NOT NULL REFERENCES players(id), player_b INTEGER NOT NULL REFERENCES players(id),
    response_a INTEGER REFERENCES responses(id), response_b INTEGER REFERENCES responses(id),
    category, turn INTEGER, round INTEGER, occurred_at REAL, position INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('void', 'waiting', 'decided')), reason,
    outcome TEXT CHECK (outcome IN ('a', 'b', 'tie')), margin REAL, win_share REAL,
    wins_a INTEGER NOT NULL DEFAULT 0, wins_b INTEGER NOT NULL DEFAULT 0, ties INTEGER NOT NULL DEFAULT 0,
    status_a TEXT NOT NULL, status_b TEXT NOT NULL, landed_at REAL NOT NULL,
    attempt_id INTEGER REFERENCES attempts(id), import_id INTEGER REFERENCES imports(id),
    UNIQUE (arena_id, key),
    CHECK ((state = 'decided') = (outcome IS NOT NULL))
);
CREATE INDEX battles_in_order ON battles(arena_id, judge_id, occurred_at, position);
CREATE INDEX battles_by_prompt ON battles(prompt_id);
CREATE INDEX battles_undecided ON battles(arena_id, judge_id, reason) WHERE state != 'decided';
CREATE INDEX battles_not_whole ON battles(arena_id, judge_id, player_a, player_b)
    WHERE status_a IN ('cut', 'empty', 'refused') OR status_b IN ('cut', 'empty', 'refused');
CREATE INDEX battles_by_import ON battles(import_id) WHERE import_id IS NOT NULL;
CREATE TABLE games (
    battle_id INTEGER NOT NULL REFERENCES battles(id) ON DELETE CASCADE, swapped INTEGER NOT NULL,
    verdict_id INTEGER NOT NULL REFERENCES verdicts(id),
    PRIMARY KEY (battle_id, swapped)
) WITHOUT ROWID;
CREATE INDEX games_by_verdict ON games(verdict_id);
"""

# Kept in the transaction that lands a battle, so that a table costs the same at a million battles.
_COUNTS = """
CREATE TABLE pair_counts (
    arena_id INTEGER NOT NULL REFERENCES arenas(id), judge_id INTEGER NOT NULL REFERENCES judges(id),
    category NOT NULL, a INTEGER NOT NULL REFERENCES players(id), b INTEGER NOT NULL REFERENCES players(id),
    wins INTEGER NOT NULL, losses INTEGER NOT NULL, ties INTEGER NOT NULL, win_share INTEGER NOT NULL,
    decided INTEGER NOT NULL, waiting INTEGER NOT NULL, void INTEGER NOT NULL,
    cut_a INTEGER NOT NULL, cut_b INTEGER NOT NULL, cut_both INTEGER NOT NULL,
    PRIMARY KEY (arena_id, judge_id, category, a, b), CHECK (a <= b)
) WITHOUT ROWID;
CREATE TABLE side_counts (
    arena_id INTEGER NOT NULL REFERENCES arenas(id), judge_id INTEGER NOT NULL REFERENCES judges(id),
    category NOT NULL, player_id INTEGER NOT NULL REFERENCES players(id), status TEXT NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (arena_id, judge_id, category, player_id, status)
) WITHOUT ROWID;
CREATE TABLE online_folds (
    arena_id INTEGER NOT NULL REFERENCES arenas(id), judge_id INTEGER NOT NULL REFERENCES judges(id),
    category NOT NULL, kind TEXT NOT NULL, battles INTEGER NOT NULL,
    occurred_at REAL, position INTEGER NOT NULL, battle_id INTEGER NOT NULL, state TEXT NOT NULL,
    PRIMARY KEY (arena_id, judge_id, category, kind, battles)
) WITHOUT ROWID;
CREATE TABLE rating_snapshots (
    id INTEGER PRIMARY KEY, arena_id INTEGER NOT NULL REFERENCES arenas(id),
    judge_id INTEGER NOT NULL REFERENCES judges(id), category NOT NULL, parameters TEXT NOT NULL, models TEXT NOT NULL,
    battles INTEGER NOT NULL, created_at REAL NOT NULL, attempt_id INTEGER REFERENCES attempts(id)
);
CREATE INDEX rating_snapshots_newest ON rating_snapshots(arena_id, judge_id, category, id);
"""

# import_holds: noun and number of a row; a member of a prompt set is `set_id << 32 | position`.
_SHARED = """
CREATE TABLE import_holds (
    noun TEXT NOT NULL, row INTEGER NOT NULL, import_id INTEGER NOT NULL REFERENCES imports(id),
    PRIMARY KEY (noun, row, import_id)
) WITHOUT ROWID;
CREATE INDEX import_holds_by_import ON import_holds(import_id);
ALTER TABLE battles ADD COLUMN source;
ALTER TABLE arenas ADD COLUMN ratings TEXT;
"""

# prompt_limit: as --limit of whoever queued the job said. fresh_from: attempts up to this number are no more held
# against the job. log: the worker's log file. lease_boot: end of the lease in seconds of the boot's own clock.
# landed_before: not in use.
_WORKING = """
ALTER TABLE jobs ADD COLUMN prompt_limit INTEGER;
ALTER TABLE jobs ADD COLUMN fresh_from INTEGER NOT NULL DEFAULT 0;
ALTER TABLE workers ADD COLUMN pid_namespace TEXT NOT NULL DEFAULT '';
ALTER TABLE workers ADD COLUMN log;
ALTER TABLE attempts ADD COLUMN lease_boot REAL;
ALTER TABLE attempts ADD COLUMN landed_before INTEGER NOT NULL DEFAULT 0;
"""

# What is in the hands of a worker. kills: attempts that died with it in hand.
_UNITS = """
DROP TABLE units;
CREATE TABLE units (
    job_id INTEGER NOT NULL REFERENCES jobs(id), unit TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('taken', 'suspect', 'set_aside')),
    prompt_id INTEGER NOT NULL REFERENCES prompts(id),
    player_id INTEGER REFERENCES players(id), judge_id INTEGER REFERENCES judges(id),
    attempt_id INTEGER NOT NULL REFERENCES attempts(id), kills INTEGER NOT NULL DEFAULT 0, reason,
    PRIMARY KEY (job_id, unit)
) WITHOUT ROWID;
"""

# What became training data of battles. key: content key of the parameters and rows. considered: prompts that were
# looked at, each either a row or an exclusion. other: the rejected response; of an sft row the target's that lost,
# which is not trained on. The numbers of a row are as they were when it was selected.
_SELECTIONS = """
CREATE TABLE selections (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, arena_id INTEGER NOT NULL REFERENCES arenas(id),
    judge_id INTEGER NOT NULL REFERENCES judges(id), target_id INTEGER NOT NULL REFERENCES players(id),
    stage TEXT NOT NULL, round INTEGER, strategy NOT NULL, parameters TEXT NOT NULL, considered INTEGER NOT NULL,
    created_at REAL NOT NULL, attempt_id INTEGER REFERENCES attempts(id)
);
CREATE INDEX selections_by_arena ON selections(arena_id);
CREATE TABLE selection_rows (
    selection_id INTEGER NOT NULL REFERENCES selections(id) ON DELETE CASCADE, number INTEGER NOT NULL,
    prompt_id INTEGER NOT NULL REFERENCES prompts(id), chosen INTEGER NOT NULL REFERENCES responses(id),
    other INTEGER REFERENCES responses(id), opponent_id INTEGER REFERENCES players(id), category, difficulty REAL,
    score_chosen REAL NOT NULL, score_other REAL, gap REAL, length_chosen INTEGER NOT NULL, length_other INTEGER,
    PRIMARY KEY (selection_id, number)
) WITHOUT ROWID;
CREATE TABLE selection_battles (
    selection_id INTEGER NOT NULL REFERENCES selections(id) ON DELETE CASCADE, number INTEGER NOT NULL,
    battle_id INTEGER NOT NULL REFERENCES battles(id),
    PRIMARY KEY (selection_id, number, battle_id)
) WITHOUT ROWID;
CREATE INDEX selection_battles_by_battle ON selection_battles(battle_id);
CREATE TABLE selection_exclusions (
    selection_id INTEGER NOT NULL REFERENCES selections(id) ON DELETE CASCADE,
    prompt_id INTEGER NOT NULL REFERENCES prompts(id), reason NOT NULL,
    PRIMARY KEY (selection_id, prompt_id)
) WITHOUT ROWID;
"""


def _statements(script: str) -> list[str]:
    return [statement.strip() for statement in script.split(";") if statement.strip()]


def m001_arena(db: Database) -> None:
    """The first schema: an arena, its answers and verdicts, jobs, and the counts that tables are made of."""
    for script in (_NOUNS, _JOBS, _ANSWERS, _ARENA, _COUNTS):
        for statement in _statements(script):
            db.execute(statement)
    facts = {
        "secret": secrets.token_bytes(32),
        "store_id": secrets.token_hex(8),
        "created_at": time.time(),
        "generation": 0,
    }
    for name, value in facts.items():
        db.execute("INSERT INTO meta VALUES (?, ?)", (name, value))


def m002_battles_listed(db: Database) -> None:
    """Battles of an arena and judge by number, as they are listed: a page of a million costs what is on it."""
    db.execute("CREATE INDEX battles_listed ON battles(arena_id, judge_id, id)")


def m003_imports_shared(db: Database) -> None:
    """What an import found in place that another import had brought; what a battle or an arena was imported with."""
    for statement in _statements(_SHARED):
        db.execute(statement)


def m004_jobs_lived(db: Database) -> None:
    """What tells a worker that lives from one that is gone whatever the clock says; jobs that kill their workers."""
    for statement in _statements(_WORKING):
        db.execute(statement)


def m005_units_blamed(db: Database) -> None:
    """What a worker has in hand, so that what kills it can be told from what was beside it."""
    for statement in _statements(_UNITS):
        db.execute(statement)


def m006_selections(db: Database) -> None:
    """Which battles became training rows, under which rules, and why the other prompts did not."""
    for statement in _statements(_SELECTIONS):
        db.execute(statement)


STEPS: tuple[Callable[[Database], None], ...] = (
    m001_arena,
    m002_battles_listed,
    m003_imports_shared,
    m004_jobs_lived,
    m005_units_blamed,
    m006_selections,
)
"""All steps in order. A step that has shipped is never changed."""


def latest_version() -> int:
    """The number of steps that this program knows; a store with more is newer than it."""
    return len(STEPS)


def migrate(db: Database, copy: Callable[[int], object] = lambda version: None) -> list[str]:
    """Apply what is pending, all or nothing, and return the names of the steps that were applied.

    Waits for another process that is migrating; what it did is then not done again.

    Args:
        copy: is called with the version of a store that is older, before anything is changed in it.
    """
    from sqlite_utils.migrations import Migrations

    steps = Migrations("arena-tui")
    for step in STEPS:
        steps()(step)
    db.execute("BEGIN IMMEDIATE")
    try:
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        pending = [step.name for step in steps.pending(db)]
        if pending and version:
            copy(version)
        steps.apply(db)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {latest_version()}")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
    return pending
