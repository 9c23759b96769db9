"""Every kind of mistake in a plan, at its line, all of them at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import PlanError
from tests.engine.plan.writing import PLAN, line_of, mistakes, read

# What is put in place of what, the key that is at fault, words of the message, the nearest known word.
MISTAKES = [
    ("[run]", "[run]\nsede = 1", "run.sede", "unknown key", "seed"),
    ("[run]", "[runn]\n[run]", "runn", "unknown key", "run"),
    ("[run]", "seed = 1\n[run]", "seed", "unknown key", "run.seed"),
    ("[run]", '[run]\nanchor = "llama"', "run.anchor", "unknown key", "ratings.anchor"),
    ("[run]", "[run]\nNAME2.x = 1", "run.NAME2", "unknown key", "name"),
    ("[run]", "[run]\nxyzzy = 1", "run.xyzzy", "unknown key", None),
    ('model = "llama-3"', 'modle = "m"\nmodel = "x"', "players.llama.modle", "unknown key", "model"),
    ('model = "llama-3"', 'model = "m"\napi_key = "x"', "players.llama.api_key", "name the environment", None),
    ('model = "llama-3"', 'model = "m"\nsampling.temprature = 1', "players.llama.sampling.temprature", "unknown key",
     "temperature"),
    ("[run]", '[run]\nseed = "x"', "run.seed", "expected an integer, found a string", None),
    ("[run]", "[run]\nseed = 1.5", "run.seed", "expected an integer, found a number", None),
    ("[run]", "[run]\nseed = 2026-01-01", "run.seed", "expected an integer, found a date", None),
    ("[run]", "[run]\nseed = -1", "run.seed", "at least 0", None),
    ("[run]", "[run]\nsamples = 0", "run.samples", "at least 1", None),
    ("[run]", "[run]\nsamples = true", "run.samples", "found true or false", None),
    ("[run]", "[run]\nmax_cost = nan", "run.max_cost", "a finite number", None),
    ("[run]", "[run]\nmax_cost = 0", "run.max_cost", "above 0", None),
    ("[run]", '[run]\nmode = "round-robbin"', "run.mode", "'iv' or 'round-robin'", "round-robin"),
    ("[run]", '[run]\non_cut = "viod"', "run.on_cut", "'void', 'loss' or 'judge'", "void"),
    ("[run]", '[run]\noutcome_rule = "mean"', "run.outcome_rule", "expected 'mean-margin'", None),
    ("[run]", '[run]\nstop_after = "3x"', "run.stop_after", "expected a duration", None),
    ("[run]", "[run]\nstop_after = 0", "run.stop_after", "above 0", None),
    ("[run]", "[run]\nstop_after = 1.5", "run.stop_after", "expected a duration", None),
    ("[run]", '[run]\narena = ""', "run.arena", "not empty", None),
    ("[run]", '[run]\nmode = "ii"\nopponents = 1', "run.opponents", "expected a list, found an integer", None),
    ("[run]", '[run]\ntarget = "llama"', "run.target", "does nothing in mode round-robin", None),
    ("[run]", '[run]\nmode = "i"\ntarget = "lama"', "run.target", "no player of this plan", "llama"),
    ("[run]", '[run]\nmode = "i"\nopponents = ["gwen"]', "run.opponents[0]", "no player of this plan", "qwen"),
    ("[run]", '[run]\nmode = "i"\nopponents = ["llama"]', "run.opponents[0]", "the target itself", None),
    ("[run]", '[run]\nmode = "iii"\nopponents = ["qwen", "qwen"]', "run.opponents[1]", "named twice", None),
    ("[run]", '[run]\nmode = "iv"', "run.mode", "mode iv takes 3", None),
    ('name = "spring"', 'name = "a/b"', "run.name", "letters, digits", None),
    ('set = "pocket:test"', "", "prompts", "needs a set or a file", None),
    ('set = "pocket:test"', 'set = "x"\nfile = "spring.toml"', "prompts.file", "beside a set", None),
    ('set = "pocket:test"', 'set = "x"\nlimit = 0', "prompts.limit", "above 0", None),
    ('set = "pocket:test"', 'set = "x"\ncategories = [1]', "prompts.categories[0]", "a string, found an integer", None),
    ("[prompts]", "[prompt]", "prompts", "is missing", None),
    ('kind = "http"', "", "players.llama.kind", "is missing: The plug-in", None),
    ('kind = "http"', "kind = 3", "players.llama.kind", "expected a string, found an integer", None),
    ('model = "llama-3"', "", "players.llama.model", "the kind 'http' needs model", None),
    ('endpoints = ["http://localhost:8000/v1"]', "", "players.llama.endpoints", "needs endpoints or serve", None),
    ('"http://localhost:8000/v1"', '"localhost"', "players.llama.endpoints[0]", "expected a base URL", None),
    ('["http://localhost:8000/v1"]', "[]", "players.llama.endpoints", "needs endpoints", None),
    ('["http://localhost:8000/v1"]', "[3]", "players.llama.endpoints[0]", "a string, found an integer", None),
    ('["http://localhost:8000/v1"]', '"@"', "players.llama.endpoints", "name of a file", None),
    ('model = "llama-3"', 'model = "m"\npython = "x"', "players.llama.python", "does nothing for", None),
    ('model = "llama-3"', 'model = "m"\nsampling = 1', "players.llama.sampling", "a table, found an integer", None),
    ('model = "llama-3"', 'model = "m"\nsampling.temperature = "hot"', "players.llama.sampling.temperature",
     "a number, found a string", None),
    ('model = "llama-3"', 'model = "m"\nsampling.top_p = 2', "players.llama.sampling.top_p", "at most 1", None),
    ('model = "llama-3"', 'model = "m"\noptions.a.b = [nan]', "players.llama.options.a.b[0]", "a finite number", None),
    ('model = "llama-3"', 'model = "m"\nsampling.extra.d = 2026-01-01', "players.llama.sampling.extra.d",
     "expected a string", None),
    ('kind = "recorded"', 'kind = "recorded"\nendpoints = "http://h"', "players.qwen.endpoints", "does nothing", None),
    ('kind = "recorded"', 'kind = "recorded"\nsampling.seed = 1', "players.qwen.sampling", "does nothing", None),
    ("[players.qwen]", '[players." qwen"]', 'players." qwen"', "without spaces", None),
    ("[players.qwen]", "[players]\nqwen = 3\n[players.gwen]", "players.qwen", "a table, found an integer", None),
    ('kind = "checker"', 'kind = "checker"\ntemplate = "x"', "judges.scorer.template", "does nothing", None),
    ('kind = "checker"', 'kind = "llm"', "judges.scorer.model", "the kind 'llm' needs model", None),
    ('kind = "checker"', 'kind = "checker"\ngames = 3', "judges.scorer.games", "at most 2", None),
    ('[judges.scorer]\nkind = "checker"', "", "judges", "is missing", None),
    ('[judges.scorer]\nkind = "checker"', "[judges]", "judges", "found none", None),
    ('[players.qwen]\nkind = "recorded"', "", "players", "two players or more, found 1", None),
    ("[judges.scorer]", '[ratings]\nanchor = "lama"\n[judges.scorer]', "ratings.anchor", "no player", "llama"),
    ("[judges.scorer]", '[ratings]\nanchor = {model = "lama"}\n[judges.scorer]', "ratings.anchor.model", "no player",
     "llama"),
    ("[judges.scorer]", '[ratings]\nanchor = {rating = 1}\n[judges.scorer]', "ratings.anchor.model", "missing", None),
    ("[judges.scorer]", '[ratings]\nover = "games"\n[judges.scorer]', "ratings.over", "'battles' or 'prompts'", None),
    ("[judges.scorer]", "[cluster]\nnodes = 0\n[judges.scorer]", "cluster.nodes", "at least 1", None),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "key", "words", "nearest"), MISTAKES)
def test_a_mistake_is_told_at_its_line(
    tmp_path: Path, old: str, new: str, key: str, words: str, nearest: str | None
) -> None:
    text = PLAN.replace(old, new, 1)
    assert text != PLAN
    found = {problem.key: problem for problem in mistakes(tmp_path, text)}
    problem = found[key]
    assert words in problem.message
    assert problem.nearest == nearest
    assert problem.source == str(tmp_path / "spring.toml")
    if key not in OF_A_TABLE:
        faulty = line_of(PLAN, old.partition("\n")[0])
        assert problem.line is not None
        assert faulty <= problem.line <= faulty + new.count("\n")


OF_A_TABLE = {
    "prompts": "[prompts]",
    "players": None,
    "judges": None,
    "players.llama.kind": "[players.llama]",
    "players.llama.model": "[players.llama]",
    "players.llama.endpoints": "[players.llama]",
    "judges.scorer.model": "[judges.scorer]",
}
"""What a table lacks is told at the table's header, or at none where there is no table."""


@pytest.mark.parametrize(
    ("old", "key"),
    [
        ('set = "pocket:test"', "prompts"),
        ('kind = "http"', "players.llama.kind"),
        ('model = "llama-3"', "players.llama.model"),
        ('endpoints = ["http://localhost:8000/v1"]', "players.llama.endpoints"),
        ('[judges.scorer]\nkind = "checker"', "judges"),
    ],
)
def test_what_is_missing_is_told_at_its_table(tmp_path: Path, old: str, key: str) -> None:
    (problem,) = mistakes(tmp_path, PLAN.replace(old, ""))
    header = OF_A_TABLE[key]
    assert problem.key == key
    assert problem.line == (None if header is None else line_of(PLAN, header))


def test_all_mistakes_are_told_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    text = """\
[run]
sede = 3
samples = 0
mode = "v"
[prompts]
limit = "ten"
[players.a]
kind = "http"
api_key_env = "sk-CANARYcanaryCANARY1234"
sampling.temperature = "hot"
[players.b]
kind = "recorded"
python = "x"
[judges.j]
kind = "checker"
games = 3
[ratings]
anchor = "c"
"""
    found = [(problem.line, problem.key) for problem in mistakes(tmp_path, text)]
    assert found == [
        (2, "run.sede"),
        (3, "run.samples"),
        (4, "run.mode"),
        (5, "prompts"),
        (6, "prompts.limit"),
        (7, "players.a.endpoints"),
        (7, "players.a.model"),
        (9, "players.a.api_key_env"),
        (10, "players.a.sampling.temperature"),
        (13, "players.b.python"),
        (16, "judges.j.games"),
        (18, "ratings.anchor"),
    ]


def test_the_error_counts_and_exits_with_2(tmp_path: Path) -> None:
    with pytest.raises(PlanError) as raised:
        read(tmp_path, PLAN.replace("[run]", "[run]\nsede = 1\nmoed = 2"))
    assert raised.value.title.endswith("has 2 mistakes")
    assert raised.value.exit_code == 2
    assert f"{tmp_path / 'spring.toml'}:2: run.sede: unknown key (did you mean 'seed'?)" in str(raised.value)
    with pytest.raises(PlanError, match="has one mistake"):
        read(tmp_path, PLAN.replace("[run]", "[run]\nsede = 1"))


FLYWHEEL = (
    PLAN
    + """
[flywheel]
base = "store:base"
target = "llama"
opponents = ["qwen"]
rounds = 3
test = 500
slices = { D0 = 2000, D1 = 5000 }
stop = ["no-gain", "drop"]

[[flywheel.stage]]
kind = "sft"
slices = ["D1"]
min_gap = [3, 1, 1]
start = "base"

[[flywheel.stage]]
kind = "dpo"
pairs = "target-lost"
min_gap = 2
"""
)


def flywheel(players: int = 4) -> str:
    """A plan with a flywheel and enough players for its mode."""
    more = "".join(f'\n[players.p{number}]\nkind = "recorded"\n' for number in range(players - 2))
    names = "".join(f', "p{number}"' for number in range(players - 2))
    return FLYWHEEL.replace('opponents = ["qwen"]', f'opponents = ["qwen"{names}]') + more


def test_a_flywheel_is_typed(tmp_path: Path) -> None:
    plan = read(tmp_path, flywheel()).plan
    assert plan.flywheel is not None
    assert plan.run.mode == "iv"
    assert plan.fighters == ("llama", "qwen", "p0", "p1")
    sft, dpo = plan.flywheel.stage
    assert (sft.min_gap, dpo.min_gap, dpo.pairs) == ((3.0, 1.0, 1.0), (2.0,), "target-lost")
    assert plan.flywheel.slices == {"D0": 2000, "D1": 5000}


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ('slices = ["D1"]', 'slices = ["D9"]', "flywheel.stage[0].slices[0]", "no slice"),
        ("[3, 1, 1]", "[3, 1]", "flywheel.stage[0].min_gap", "one for each of 3 rounds"),
        ("[3, 1, 1]", "[3, 1, 9]", "flywheel.stage[0].min_gap[2]", "at most 5"),
        ("min_gap = 2", "min_gap = 9", "flywheel.stage[1].min_gap", "at most 5"),
        ("min_gap = 2", 'min_gap = "x"', "flywheel.stage[1].min_gap", "a number, found a string"),
        ('"target-lost"', '"target-won"', "flywheel.stage[1].pairs", "expected 'group'"),
        ('kind = "dpo"', "kin = 3", "flywheel.stage[1].kin", "unknown key"),
        ('kind = "dpo"', "", "flywheel.stage[1].kind", "is missing"),
        ("test = 500", "test = 0", "flywheel.test", "number of prompts, or the name"),
        ("test = 500", "test = [1]", "flywheel.test", "number of prompts, or the name"),
        ('base = "store:base"', "", "flywheel.base", "is missing"),
        ("D1 = 5000", "D1 = 0", "flywheel.slices.D1", "above 0"),
        ('["no-gain", "drop"]', '["gain"]', "flywheel.stop[0]", "'no-gain' or 'drop'"),
    ],
)
def test_mistakes_in_a_flywheel(tmp_path: Path, old: str, new: str, key: str, words: str) -> None:
    text = flywheel().replace(old, new, 1)
    found = {problem.key: problem for problem in mistakes(tmp_path, text)}
    assert words in found[key].message
    if not found[key].message.startswith("is missing"):
        assert found[key].line == line_of(flywheel(), old)
