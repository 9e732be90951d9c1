"""``codesearch-eval repositories``: the development benchmark of ranking, step by step.

codesearch-eval repositories agree --first A --second B -o FILE   # written questions that two readers agree on
codesearch-eval repositories build --clones DIR --out BENCH       # questions, made anew from clones
codesearch-eval repositories list --out BENCH                     # into the committed list
codesearch-eval repositories build --out BENCH                    # or: questions, as they are in the committed list
codesearch-eval repositories texts --clones DIR --out BENCH       # what is to be encoded for that, if elsewhere
codesearch-eval repositories vectors SHARD ... --to PARTS         # encode it, on a GPU where there is one
codesearch-eval repositories cache PARTS/*.npz                    # so that `ask` need not
codesearch-eval repositories ask --clones DIR --out BENCH         # what the two searches name for each
codesearch-eval repositories score --out BENCH                    # how good the shipped ranking is
codesearch-eval repositories fit --out BENCH --weights FILE       # weights, fitted on one half
codesearch-eval repositories ask-foreign --clones DIR --out BENCH # the same of questions that have no answer there
codesearch-eval repositories calibrate --out BENCH --file FILE    # how far results are to be believed
codesearch-eval repositories select --out BENCH                   # which signals earn their place there
codesearch-eval repositories ablate --out BENCH                   # what each signal is worth
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from codesearch.encoders import load_encoder
from codesearch.errors import InputError
from codesearch_eval.json_lines import write_records
from codesearch_eval.repositories.benchmark import BenchmarkRepository, Half, is_sealed, read_list, read_questions
from codesearch_eval.repositories.runs import QuestionCandidates, ask_repository, read_asked, write_asked
from codesearch_eval.repositories.scores import kind_table, language_table, score
from codesearch_eval.repositories.trees import find_repository

__all__ = ["app"]

app = typer.Typer(
    help="Ask questions about whole repositories, and score them.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

Clones = Annotated[Path, typer.Option(help="Folder of clones, named owner+name or owner/name; bare ones too.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder that holds questions and candidates.")]
List = Annotated[Path | None, typer.Option("--list", help="Another list of repositories than the committed one.")]
Only = Annotated[list[str] | None, typer.Option("--only", help="owner/name: only this repository. Repeatable.")]

Sealed = Annotated[bool, typer.Option("--sealed", help="The sealed questions, and only those.")]

_say = partial(typer.echo, err=True)


@app.command()
def build(
    out: Out,
    clones: Annotated[
        Path | None, typer.Option(help="Folder of clones to make questions from, instead of taking the committed list.")
    ] = None,
    repositories: List = None,
    only: Only = None,
) -> None:
    """Make the questions of each repository anew, or take them from the committed list."""
    from codesearch_eval.repositories.lists import read_committed
    from codesearch_eval.repositories.questions import make_questions

    committed = {} if clones else read_committed()
    for repository in _chosen(repositories, only):
        if clones:
            questions = make_questions(find_repository(clones, repository.name), repository)
        else:
            questions = committed.get(repository.name, [])
        write_records(questions, _file(out, repository.name, "jsonl"))
        _say(f"{repository.name}: {len(questions)} questions")


@app.command(name="list")
def list_command(
    out: Out,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Instead of the committed list.")] = None,
) -> None:
    """Write the questions of all repositories into the list that is committed."""
    from codesearch_eval.repositories.lists import COMMITTED, write_committed

    questions = {one.name: read_questions(_file(out, one.name, "jsonl")) for one in read_list()}
    write_committed(questions, output or COMMITTED)
    typer.echo(f"{sum(map(len, questions.values())):,} questions: {output or COMMITTED}")


@app.command()
def agree(
    first: Annotated[list[Path], typer.Option(help="Questions with their writer's answers. Repeatable.")],
    second: Annotated[list[Path], typer.Option(help="A second reader's answers to each, in the same order.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write what both agree on.")],
) -> None:
    """Keep the written questions on whose answers two readers agree, and print how often they do."""
    from codesearch_eval.repositories.asked import agreement_table, join_readers

    agreements = join_readers(first, second)
    write_records([one.kept for one in agreements if one.kept], output)
    typer.echo(agreement_table(agreements))


@app.command()
def ask(
    clones: Clones,
    out: Out,
    repositories: List = None,
    only: Only = None,
    no_dense: Annotated[bool, typer.Option("--no-dense", help="By words only.")] = False,
    depth: Annotated[int, typer.Option(help="Chunks that each of the two searches names.", min=1)] = 100,
) -> None:
    """Index every tree that is asked about, and keep the candidates of each question."""
    encoder = None if no_dense else load_encoder(None, "auto")
    for repository in _chosen(repositories, only):
        questions = read_questions(_file(out, repository.name, "jsonl"))
        git_dir = find_repository(clones, repository.name)
        asked = list(ask_repository(git_dir, repository, questions, encoder, depth=depth))
        write_asked(asked, _file(out, repository.name, "asked"))
        _say(f"{repository.name}: {len(asked)} questions asked")


@app.command()
def texts(clones: Clones, out: Out, repositories: List = None, only: Only = None) -> None:
    """Write every text of every tree that is asked about, each once, to be encoded elsewhere."""
    from codesearch_eval.repositories.texts import repository_texts
    from codesearch_eval.repositories.vector_parts import write_shards

    def every() -> Iterator[str]:
        seen: set[bytes] = set()
        for repository in _chosen(repositories, only):
            questions = read_questions(_file(out, repository.name, "jsonl"))
            before = len(seen)
            yield from repository_texts(find_repository(clones, repository.name), repository, questions, seen)
            _say(f"{repository.name}: {len(seen) - before:,} texts")
        _say(f"{len(seen):,} texts")

    for path in write_shards(every(), out / "texts"):
        typer.echo(path)


@app.command()
def vectors(shards: Annotated[list[Path], typer.Argument()], to: Annotated[Path, typer.Option(help="Folder.")]) -> None:
    """Encode shards of texts, on a GPU where there is one; vectors are kept in 8 bits a dimension."""
    from codesearch_eval.repositories.vector_parts import encode_shard

    encoder = load_encoder(None, "auto")
    for shard in shards:
        for path in encode_shard(shard, to, encoder):
            typer.echo(path)


@app.command()
def cache(parts: Annotated[list[Path], typer.Argument()]) -> None:
    """Put encoded texts into the cache of vectors, so that `ask` encodes questions only."""
    from codesearch_eval.repositories.texts import fill_cache

    typer.echo(f"{fill_cache(parts):,} vectors")


@app.command(name="ask-foreign")
def ask_foreign(
    clones: Clones,
    out: Out,
    repositories: List = None,
    only: Only = None,
    foreign: Annotated[int, typer.Option(help="Questions of other repositories.", min=0)] = 20,
    nonsense: Annotated[int, typer.Option(help="Questions that are nonsense.", min=0)] = 10,
    no_dense: Annotated[bool, typer.Option("--no-dense", help="By words only.")] = False,
) -> None:
    """Ask each repository what it has no answer to, and keep the candidates."""
    from codesearch_eval.repositories.foreign import foreign_questions, is_answered, nonsense_questions

    encoder = None if no_dense else load_encoder(None, "auto")
    built = [one for one in read_list(repositories) if _file(out, one.name, "jsonl").is_file()]
    others = {one: read_questions(_file(out, one.name, "jsonl")) for one in built}
    for repository in _chosen(repositories, only):
        questions = foreign_questions(repository, others, foreign) + nonsense_questions(repository, nonsense)
        asked = ask_repository(find_repository(clones, repository.name), repository, questions, encoder)
        kept = [one for one in asked if not is_answered(one.found)]
        write_asked(kept, _file(out, repository.name, "foreign"))
        _say(f"{repository.name}: {len(kept)} questions without an answer asked")


@app.command()
def calibrate(
    out: Out,
    file: Annotated[Path, typer.Option(help="JSON file to write.")],
    weights: Annotated[Path | None, typer.Option(help="Other weights of ranking than the shipped ones.")] = None,
    model: Annotated[Path | None, typer.Option(help="Encoder that was asked with, if not the shipped one.")] = None,
) -> None:
    """Fit how far results are to be believed on one half, and print how true that is on the other."""
    from codesearch.encoders.model_directory import find_model, read_model_directory
    from codesearch.search.ranking.weights import read_weights
    from codesearch_eval.repositories.calibration import calibrate_shipped, judged_examples
    from codesearch_eval.repositories.reliability import reliability_report

    asked = [*read_asked(out), *read_asked(out, suffix="foreign")]
    chosen = read_weights(weights) if weights else None
    encoder = read_model_directory(find_model(model)).model_id
    inside, outside = (judged_examples(_of_half(asked, half), chosen) for half in (Half.FIT, Half.HELD_OUT))
    found = calibrate_shipped(inside, encoder)
    file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    typer.echo(f"written: {file}\n")
    typer.echo(reliability_report(outside, file))


@app.command(name="score")
def score_command(
    out: Out,
    half: Annotated[Half | None, typer.Option(help="Only the repositories of this half.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Other weights than the shipped ones.")] = None,
    sealed: Sealed = False,
    words_only: Annotated[bool, typer.Option("--words-only", help="As if there were no vectors.")] = False,
) -> None:
    """Print how good the ranking is, by kind of question and by language."""
    from codesearch.search.ranking import rank
    from codesearch.search.ranking.weights import read_weights
    from codesearch_eval.repositories.fit import by_words_only

    asked = _of_half(read_asked(out), half, sealed=sealed)
    if not asked:
        raise InputError("there are no such questions: `codesearch-eval repositories ask` has found none for them")
    chosen = read_weights(weights) if weights else None
    if words_only:
        asked = [by_words_only(one) for one in asked]
    found = score(asked, lambda one: rank(one.found, chosen))
    of_chunks = [asked[number].question for number in found.of_chunks]
    typer.echo(f"over files, one result a file\n\n{kind_table([a.question for a in asked], found.files)}\n")
    typer.echo(f"over chunks\n\n{kind_table(of_chunks, found.chunks)}\n")
    typer.echo(f"over files, by language\n\n{language_table(asked, found.files)}")


@app.command()
def fit(
    out: Out,
    weights: Annotated[Path, typer.Option(help="JSON file to write.")],
) -> None:
    """Fit the weights on one half of the repositories."""
    from codesearch_eval.repositories.fit import fit_shipped

    text = fit_shipped(_of_half(read_asked(out), Half.FIT))
    weights.write_text(json.dumps(text, indent=1) + "\n", encoding="utf-8")
    typer.echo(f"written: {weights}")


@app.command()
def select(out: Out) -> None:
    """Print which signals the fit half can do without, in cross-validation by repository."""
    from codesearch_eval.repositories.fit import earned_signals, examples_of

    kept = earned_signals(examples_of(_of_half(read_asked(out), Half.FIT)), typer.echo)
    typer.echo(f"kept: {', '.join(kept)}")


@app.command()
def ablate(out: Out) -> None:
    """Print what each signal and each search is worth on the held-out half."""
    from codesearch_eval.repositories.ablation import ablation_table

    asked = read_asked(out)
    typer.echo(ablation_table(_of_half(asked, Half.FIT), _of_half(asked, Half.HELD_OUT)))


@app.command()
def semble(clones: Clones, out: Out, half: Half = Half.HELD_OUT, only: Only = None, sealed: Sealed = False) -> None:
    """Ask semble (BM25 and its rules; ``pip install semble``) the same, and compare."""
    from codesearch_eval.repositories.peers import peer_tables, semble_files

    theirs, ours = [], []
    for repository in _chosen(None, only):
        found = _of_half(read_asked(out, [repository.name]), half, sealed=sealed) if repository.half is half else []
        asked = {one.question: one for one in found}
        if asked:
            answers = semble_files(find_repository(clones, repository.name), repository, tuple(asked))
            theirs += answers
            ours += [asked[question] for question, _ in answers]
            _say(f"{repository.name}: {len(answers)} questions")
    if not theirs:
        raise InputError(f"no question of the half {half.value!r}: run `codesearch-eval repositories ask` first")
    typer.echo(peer_tables([files for _, files in theirs], ours))


def _chosen(path: Path | None, only: list[str] | None) -> list[BenchmarkRepository]:
    found = read_list(path)
    unknown = set(only or ()) - {repository.name for repository in found}
    if unknown:
        raise InputError(f"not in the list: {', '.join(sorted(unknown))}")
    return [repository for repository in found if not only or repository.name in only]


def _file(out: Path, name: str, suffix: str) -> Path:
    return out / f"{name.replace('/', '+')}.{suffix}"


def _of_half(asked: list[QuestionCandidates], half: Half | None, *, sealed: bool = False) -> list[QuestionCandidates]:
    """Return the questions of a half: those that anybody may look at, or those that are sealed."""
    chosen = [one for one in asked if half is None or one.repository.half is half]
    return [one for one in chosen if is_sealed(one.repository, one.question) is sealed]
