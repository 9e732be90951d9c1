"""``codesearch-train``: prepare, corpus, tokenize, train, distill, mine, average, export, tune.

PyTorch, and what stands on it, is imported inside the commands: it takes seconds, and ``--help`` answers at once.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codesearch.cli.program import Debug, Program, Version, make_app, run_program
from codesearch.encoders.model_directory import find_model, installed_models
from codesearch.errors import InputError
from codesearch_train.corpus.work_tree import LEAST_PAIRS, WorkTree, open_work_tree
from codesearch_train.loop.config import TrainConfig, override, read_config

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

    from codesearch_train.corpus.pairs import Pair
    from codesearch_train.loop.progress import Evaluation, Progress, SavedModel

__all__ = ["app", "main"]


class _Commands(Program):
    extra = "train"
    stopped = "stopped; what was written stays, and `corpus` and `train` go on from there"


app = make_app(
    "codesearch-train",
    "Train the code encoder of codesearch.",
    group=_Commands,
    example="codesearch-train train train/configs/minilm.toml",
)


@app.callback()
def _declare(
    version: Version = False,
    debug: Debug = False,
) -> None:
    """Train the code encoder of codesearch."""


Settings = Annotated[list[str] | None, typer.Option("--set", help="key=value, over what the file says.")]
ConfigFile = Annotated[Path, typer.Argument(help="A TOML file such as train/configs/minilm.toml.")]


def _configuration(file: Path, changes: list[str] | None) -> TrainConfig:
    return override(read_config(_with_installed(file)), changes or [])


def _with_installed(file: Path) -> Path:
    """`file`; one of the configurations that came with the package, such as configs/tiny.toml, where it is none."""
    if file.exists():
        return file
    package = Path(__file__).parent
    found = (folder / "configs" / file.name for folder in (package, package.parent))
    named = file.parent.name in ("", "configs")
    return next((there for there in found if named and there.is_file()), file)


prepare = typer.Typer(
    help="Make training data of a public data set.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(prepare, name="prepare")


@prepare.callback()
def _declare_prepare() -> None:
    """Make training data of a public data set."""


@prepare.command()
def codesearchnet(
    languages: Annotated[list[str], typer.Option(help="Such as ruby, or ruby,php. Repeatable.")],
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder that holds CodeSearchNet as it is unpacked; without it the Hugging Face hub is asked."
        ),
    ] = None,
    output: Annotated[Path, typer.Option("--out", "-o", help="Directory for pairs and tokens.")] = Path(
        "corpus/codesearchnet"
    ),
    evaluation: Annotated[
        Path | None,
        typer.Option(help="Evaluation data that must stay out, beside the test split.", envvar="CODESEARCH_DATA"),
    ] = None,
    decontaminate: Annotated[
        bool, typer.Option("--decontaminate/--no-decontaminate", help="Keep evaluation data out.")
    ] = True,
    model: Annotated[str, typer.Option(help="Model whose vocabulary is used.")] = "all-MiniLM-L6-v2",
    text_tokens: Annotated[int, typer.Option(help="Texts are cut to this.", min=3)] = 64,
    code_tokens: Annotated[int, typer.Option(help="Code is cut to this.", min=3)] = 192,
) -> None:
    """Make pairs of CodeSearchNet's training data, and tokenise them.

    `codesearch-train train configs/codesearchnet.toml` trains on what is written. The test split of the languages and
    other evaluation data are kept out.
    """
    from codesearch_train.corpus.codesearchnet import Preparation, prepare_codesearchnet

    named = tuple(dict.fromkeys(name.strip() for entry in languages for name in entry.split(",") if name.strip()))
    preparation = Preparation(named, output, data, evaluation, decontaminate)
    steps = prepare_codesearchnet(preparation)
    typer.echo(next(steps))  # what can be wrong with the options is said before PyTorch is loaded
    from codesearch_train.corpus.pairs import Split
    from codesearch_train.corpus.shards import read_pairs
    from codesearch_train.corpus.token_files import read_pairs_directory, tokenize_pairs
    from codesearch_train.loop.development import DevelopmentSet, write_development
    from codesearch_train.network.text_preparation import prepare_tokenizer
    from codesearch_train.network.weights import read_tokenizer

    tokenizer = prepare_tokenizer(read_tokenizer(model))  # no model, no work: said before the data is read
    for step in steps:
        typer.echo(step)
    folders = {Split.TRAIN: output / "tokens", Split.VALID: output / "valid"}
    for split, folder in folders.items():
        for done, path in tokenize_pairs(
            read_pairs(output, split),
            tokenizer,
            folder,
            text_tokens=text_tokens,
            code_tokens=code_tokens,
            prefix=split.value,
        ):
            typer.echo(f"{done:>10,} pairs  {path}")
    held_out = read_pairs_directory([folders[Split.VALID]]).of_kind("docstring")
    watched = DevelopmentSet.of_pairs("valid", held_out, pool_size=None)
    write_development(output / "valid.dev.xz", watched)
    each = len(watched.queries) // len(watched.pools)
    typer.echo(f"development set {output / 'valid.dev.xz'}, {each:,} functions of each language")
    typer.echo(f"train on it: codesearch-train train configs/codesearchnet.toml{_elsewhere(output)}")


def _elsewhere(output: Path) -> str:
    """What names the corpus to the configuration, where it lies in another place."""
    if output == Path("corpus/codesearchnet"):
        return ""
    data, development = json.dumps([str(output / "tokens")]), json.dumps([str(output / "valid.dev.xz")])
    return f" --set 'data={data}' --set 'development={development}'"


@app.command()
def corpus(
    repositories: Annotated[Path, typer.Argument(help="TSV with the columns repository and split.")],
    output: Annotated[Path, typer.Argument(help="Directory for the corpus.")],
    evaluation: Annotated[Path, typer.Option(help="Evaluation data, which is kept out of the corpus.")],
    clones: Annotated[Path, typer.Option(help="Where the repositories lie, as owner+name.")] = Path("clones"),
    work: Annotated[Path, typer.Option(help="Parts, from which an interrupted run goes on.")] = Path("corpus/parts"),
    questions: Annotated[Path | None, typer.Option(help="Directory with conala and staqc.")] = None,
    clone: Annotated[bool, typer.Option(help="Clone what is missing from GitHub.")] = False,
    history: Annotated[bool, typer.Option(help="Make pairs of small commits too.")] = True,
    processes: Annotated[int, typer.Option(help="Repositories read at once.")] = 2,
) -> None:
    """Make pairs of text and code from Git repositories.

    The pairs are filtered and deduplicated, and hold no evaluation data.
    """
    from codesearch_train.corpus.building import CorpusSettings, build_corpus

    settings = CorpusSettings(repositories, clones, work, output, evaluation, questions, history, clone, processes)
    for step in build_corpus(settings):
        typer.echo(f"{step.done}/{step.total}  {step.message}")


@app.command()
def tokenize(
    source: Annotated[Path, typer.Argument(metavar="CORPUS", help="Directory of pair shards.")],
    output: Annotated[Path, typer.Argument(help="Directory for the tokenised files.")],
    model: Annotated[str, typer.Option(help="Model whose vocabulary is used.")] = "all-MiniLM-L6-v2",
    text_tokens: Annotated[int, typer.Option(help="Texts are cut to this.")] = 64,
    code_tokens: Annotated[int, typer.Option(help="Code is cut to this.")] = 160,
    development: Annotated[
        bool,
        typer.Option(
            help="Write development sets of the valid split. The file valid.dev.xz holds docstrings, in pools of "
            "1,000 by language. In passages.dev.xz are 1,000 passages of documents, and those that follow them. In "
            "commits.dev.xz are subjects of commits and the functions that they changed, in pools of 300 by language."
        ),
    ] = False,
) -> None:
    """Tokenise pairs ahead of training, on the CPU."""
    from codesearch_train.corpus.pairs import Split
    from codesearch_train.corpus.shards import read_pairs
    from codesearch_train.corpus.token_files import tokenize_pairs
    from codesearch_train.network.text_preparation import prepare_tokenizer
    from codesearch_train.network.weights import read_tokenizer

    tokenizer = prepare_tokenizer(read_tokenizer(model))
    split = Split("valid" if development else "train")
    target = output / "valid" if development else output
    pairs = read_pairs(source, split)
    for done, path in tokenize_pairs(
        pairs, tokenizer, target, text_tokens=text_tokens, code_tokens=code_tokens, prefix=split.value
    ):
        typer.echo(f"{done:>10,} pairs  {path}")
    if development:
        _write_development(target, output)


def _write_development(directory: Path, output: Path) -> None:
    from codesearch_train.corpus.pairs import PairKind
    from codesearch_train.corpus.token_files import read_pairs_directory
    from codesearch_train.loop.development import DevelopmentSet, write_development

    pairs = read_pairs_directory([directory])
    # Commits are fewer, and of most languages there is no thousand in repositories that can be spared.
    sets = (
        ("valid", PairKind.DOCSTRING, 1000),
        ("passages", PairKind.PASSAGE, 1000),
        ("commits", PairKind.COMMIT, 300),
    )
    for name, kind, pool_size in sets:
        try:
            found = DevelopmentSet.of_pairs(name, pairs.of_kind(kind), pool_size=pool_size)
        except InputError as error:
            if kind is PairKind.DOCSTRING:
                raise
            typer.echo(f"no development set {name}: {error}")  # a corpus of code alone, or without its history
            continue
        path = output / f"{name}.dev.xz"
        write_development(path, found)
        typer.echo(f"development set {path}")


@app.command()
def development(
    files: Annotated[list[Path], typer.Argument(help="Pool files, as `codesearch-eval pools` writes them.")],
    output: Annotated[Path, typer.Option("--out", "-o", help="Directory for the tokenised sets.")] = Path(
        "corpus/tokens"
    ),
    model: Annotated[str, typer.Option(help="Model whose vocabulary is used.")] = "all-MiniLM-L6-v2",
    text_tokens: Annotated[int, typer.Option(help="Questions are cut to this.")] = 64,
    code_tokens: Annotated[int, typer.Option(help="Candidates are cut to this.")] = 256,
) -> None:
    """Tokenise development sets of codesearch-eval.

    A run watches those that `development` of its TOML file names.
    """
    from codesearch_train.loop.development import DevelopmentSet, read_pools, write_development
    from codesearch_train.network.text_preparation import prepare_tokenizer
    from codesearch_train.network.weights import read_tokenizer

    sets = {file.name.removesuffix(".pools.gz"): read_pools(file) for file in files}
    tokenizer = prepare_tokenizer(read_tokenizer(model))
    output.mkdir(parents=True, exist_ok=True)
    for name, pools in sets.items():
        found = DevelopmentSet.of_pools(name, pools, tokenizer, text_tokens=text_tokens, code_tokens=code_tokens)
        path = output / f"{name}.dev.xz"
        write_development(path, found)
        typer.echo(f"{len(found.queries):,} questions, {len(found.documents):,} candidates  {path}")


@app.command()
def train(config: ConfigFile, changes: Settings = None) -> None:
    """Train an encoder, or go on with the run of that name.

    For several GPUs: torchrun -m codesearch_train.cli train ...
    """
    _train(_configuration(config, changes))


@app.command()
def distill(
    config: ConfigFile,
    teacher: Annotated[str, typer.Option(help="Folder of the teacher.")],
    layers: Annotated[str, typer.Option(help="Layers of the initial model that the student keeps, such as 0,2,5.")],
    changes: Settings = None,
) -> None:
    """Train a smaller encoder on a teacher's vectors and pairs.

    It starts from layers of the teacher.
    """
    wanted = [
        f"distillation.teachers=[{json.dumps(teacher)}]",
        f"initial={teacher}",
        f"layers=[{layers}]",
        *(changes or []),
    ]
    _train(_configuration(config, wanted))


def _train(config: TrainConfig) -> None:
    from codesearch_train.loop.trainer import train as run

    _draw(run(config), config)


def _draw(events: Iterable[object], config: TrainConfig) -> None:
    """A line for each event, and TensorBoard where it is installed."""
    from codesearch_train.loop.progress import Evaluation, Progress, SavedModel

    writer = _tensorboard(config)
    for event in events:
        if isinstance(event, Progress):
            typer.echo(_progress_line(event))
            figures = {name: getattr(event, name) for name in ("loss", "accuracy", "pairs_per_second", "temperature")}
        elif isinstance(event, Evaluation):
            typer.echo(_evaluation_line(event))
            figures = {
                f"mrr/{name}/{pool}": mrr for name, pools in event.figures.items() for pool, mrr in pools.items()
            }
        elif isinstance(event, SavedModel):
            typer.echo(_saved_line(event))
            continue
        else:
            continue
        for name, figure in figures.items():
            if writer is not None:
                writer.add_scalar(name, figure, event.step)
    if writer is not None:
        writer.close()


def _tensorboard(config: TrainConfig) -> SummaryWriter | None:
    if not config.tensorboard:
        return None
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(Path(config.runs) / config.name))


def _progress_line(event: Progress) -> str:
    utilisation = "" if event.utilisation is None else f"  mfu {event.utilisation:.1%}"
    memory = f"  {event.memory:.1f} GiB" if event.memory else ""
    return (
        f"step {event.step:>6}/{event.steps}  loss {event.loss:.4f}  acc {event.accuracy:.3f}  "
        f"{event.pairs_per_second:,.0f} pairs/s  {event.tokens_per_second / 1e3:,.0f}k tokens/s{utilisation}  "
        f"lr {event.learning_rate:.2e}  temperature {event.temperature:.4f}{memory}"
    )


def _evaluation_line(event: Evaluation) -> str:
    sets = "  ".join(
        f"{name} {sum(pools.values()) / len(pools):.2f}"
        + (f" ({', '.join(f'{pool} {mrr:.1f}' for pool, mrr in pools.items())})" if len(pools) > 1 else "")
        for name, pools in event.figures.items()
    )
    return f"step {event.step:>6}  MRR {event.mean:.2f}{' *' if event.best else ''}  {sets}"


def _saved_line(event: SavedModel) -> str:
    return f"step {event.step:>6}  {event.what}: {event.path}"


@app.command()
def mine(
    config: ConfigFile,
    model: Annotated[str, typer.Option(help="Folder of the encoder that searches.")],
    output: Annotated[
        Path, typer.Argument(help="File for the neighbours; name it as `neighbours` in a configuration.")
    ],
    count: Annotated[int, typer.Option(help="Neighbours of each pair.")] = 16,
    changes: Settings = None,
) -> None:
    """Find hard negatives for every training text.

    They are its nearest wrong codes, found by exact search.
    """
    from codesearch_train.loop.mining import mine_pairs, write_neighbours

    neighbours = mine_pairs(_configuration(config, changes), model, count)
    write_neighbours(output, neighbours)
    typer.echo(f"{len(neighbours):,} pairs, {(neighbours >= 0).sum(1).mean():.1f} neighbours each: {output}")


@app.command()
def average(
    one: Annotated[Path, typer.Argument(help="Folder of an encoder.")],
    other: Annotated[str, typer.Argument(help="Folder or name of another of the same shape.")],
    output: Annotated[Path, typer.Argument(help="Folder to write.")],
    share: Annotated[float, typer.Option(help="Share of the other.")] = 0.15,
) -> None:
    """Average the weights of two encoders.

    One may be trained, and the other the one that it started from.
    """
    from codesearch_train.network.weights import average as mix
    from codesearch_train.network.weights import load_encoder, read_tokenizer, save_encoder

    encoder = load_encoder(str(one))
    encoder.load_state_dict(mix(encoder.state_dict(), load_encoder(other).state_dict(), share))
    save_encoder(encoder, output, read_tokenizer(str(one)))
    typer.echo(f"{1 - share:.2f} x {one} + {share:.2f} x {other}: {output}")


@app.command()
def export(
    source: Annotated[Path, typer.Argument(help="A trained Hugging Face folder.")],
    target: Annotated[Path, typer.Argument(help="The model directory to write.")],
    hugging_face: Annotated[
        bool,
        typer.Option("--hugging-face", help="The other way round: from our model directory to a Hugging Face folder."),
    ] = False,
    name: Annotated[str | None, typer.Option(help="Name of the model; that of the target by default.")] = None,
    texts: Annotated[Path | None, typer.Option(help="Corpus, or JSON Lines, that int8 is fitted on.")] = None,
    float32_graph: Annotated[
        bool, typer.Option("--float32-graph", help="Write onnx/model.onnx in float32 too.")
    ] = False,
    description: Annotated[Path | None, typer.Option(help="Markdown file for the model card.")] = None,
    max_query_tokens: Annotated[int | None, typer.Option(help="Where questions are cut.", min=1)] = None,
    max_document_tokens: Annotated[int | None, typer.Option(help="Where code is cut.", min=1)] = None,
) -> None:
    """Write the model directory that codesearch loads.

    It holds an int8 ONNX graph, the tokenizer, the recipe and the model card.
    """
    from codesearch_train.export.conversion import MAX_DOCUMENT_TOKENS, MAX_QUERY_TOKENS, Card
    from codesearch_train.export.conversion import export as write
    from codesearch_train.export.hugging_face_folder import export_hugging_face

    if hugging_face:
        export_hugging_face(source, target)
        typer.echo(f"exported {target}; sentence-transformers loads it as it is")
        return
    card = Card(description=_read_description(description)) if description else None
    written = write(
        source,
        target,
        name=name,
        max_query_tokens=max_query_tokens or MAX_QUERY_TOKENS,
        max_document_tokens=max_document_tokens or MAX_DOCUMENT_TOKENS,
        texts=texts,
        float32_graph=float32_graph,
        card=card,
    )
    typer.echo(
        f"int8 to float32: cosine {written.parity.mean:.4f} on average, {written.parity.minimum:.4f} at least; "
        f"rounded weights to trained ones: {written.rounding.mean:.4f}"
    )
    typer.echo(f"exported {target}; use it with codesearch --model {target}")


def _read_description(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as the model card's text: {error}") from error


@app.command()
def tune(
    repository: Annotated[Path, typer.Argument(help="Your repository.")],
    name: Annotated[
        str | None, typer.Option(help="Name to install the new model by; REPOSITORY-tuned by default.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Write the new model into this directory instead of installing it by name.")
    ] = None,
    work: Annotated[Path, typer.Option(help="Directory for pairs and checkpoints.")] = Path("runs/tune"),
    initial: Annotated[str, typer.Option(help="Encoder to start from.")] = "",
    minutes: Annotated[float, typer.Option(help="Longest time for all of it, preparation included.", min=0.1)] = 10.0,
    device: Annotated[str, typer.Option(help='"auto", "cpu" or "cuda".')] = "auto",
) -> None:
    """Fine-tune an encoder on your own repository.

    The command installs the new weights only if they are better on files that were held out, by more than chance. It
    changes no setting: codesearch uses the new model once you name it.
    """
    started = time.perf_counter()
    target = output or installed_models() / _model_name(name or f"{repository.resolve().name}-tuned")
    tree = open_work_tree(repository)
    start = initial or _shipped_model()
    typer.echo(_plan(repository, tree, target, minutes))
    pairs = _read_in_time(tree, started, 60 * minutes * _READING_SHARE)
    typer.echo(f"{time.perf_counter() - started:5.0f} s  loading PyTorch")
    from codesearch_train.tune import Stage, TuningResult
    from codesearch_train.tune import tune as run

    events = run(pairs, work, target, initial=start, minutes=minutes, device=device, started=started)
    for event in events:
        if isinstance(event, TuningResult):
            points, low, high = event.gain
            typer.echo(
                f"held-out MRR {event.before:.2f} -> {event.after:.2f}: {points:+.2f} [{low:+.2f}, {high:+.2f}], "
                f"95% interval over {event.held_out:,} pairs"
            )
            typer.echo(_what_now(event.installed, by_name=output is None, noise=points > 0 >= low))
        elif isinstance(event, Stage):
            typer.echo(f"{time.perf_counter() - started:5.0f} s  {event.text}")
        else:
            _draw([event], TrainConfig(tensorboard=False))


_READING_SHARE = 0.2
"""Of the time of `tune`, what reading the repository may take."""


def _model_name(name: str) -> str:
    """`name`, if it can be that of a folder.

    Raises:
        InputError: It cannot.
    """
    if not name or Path(name).name != name or name.startswith("."):
        raise InputError(f"--name {name}: a name is one word without slashes; --output names a directory")
    return name


def _plan(repository: Path, tree: WorkTree, target: Path, minutes: float) -> str:
    languages = Counter(language.name for _, language in tree.files)
    most = ", ".join(f"{count:,} {name}" for name, count in languages.most_common(3))
    return (
        f"{repository}: {len(tree.files):,} source files ({most}). Within {minutes:g} minutes: read them and make "
        f"pairs of text and code (at most {minutes * _READING_SHARE:.1f} minutes), measure the encoder on files held "
        f"out, train, measure again, round to 8 bits. {target} is written only if the gain is beyond noise"
    )


def _read_in_time(tree: WorkTree, started: float, seconds: float) -> list[Pair]:
    """Pairs of as many files as can be read in a time, with a line a second.

    Raises:
        InputError: if there is too little to learn from.
    """
    pairs: list[Pair] = []
    read, told = 0, started
    for done, found in tree.pairs():
        read, pairs, now = done, found, time.perf_counter()
        last = done == len(tree.files)
        if now - told >= 1 or last:
            typer.echo(f"{now - started:5.0f} s  {done:,} of {len(tree.files):,} files read, {len(found):,} pairs")
            told = now
        if now - started > seconds and not last:
            typer.echo(
                f"{now - started:5.0f} s  the other {len(tree.files) - done:,} files are left out, to keep the time"
            )
            break
    if len(pairs) < LEAST_PAIRS and read < len(tree.files):
        raise InputError(
            f"{read:,} of {len(tree.files):,} files could be read in {seconds:.0f} s, which gives {len(pairs):,} "
            f"pairs, and {LEAST_PAIRS} are needed: give more --minutes"
        )
    if len(pairs) < LEAST_PAIRS:
        raise InputError(
            f"too little to learn from: {tree.documented:,} of {tree.functions:,} functions and types have "
            f"documentation, which gives {len(pairs):,} pairs, and {LEAST_PAIRS} are needed. Tune on a larger "
            "repository, or stay with the shipped model"
        )
    return pairs


def _what_now(written: Path | None, *, by_name: bool, noise: bool) -> str:
    if written is None:
        why = "the gain may be chance, as its interval holds 0" if noise else "no gain"
        return f"{why}: nothing was written, and codesearch goes on with the model that it has"
    name = written.name if by_name else str(written.absolute())
    return (
        f"{'installed' if by_name else 'written'}: {written}. codesearch does not use it yet. To use it, set "
        f"CODESEARCH_MODEL={name} and run `codesearch index`"
    )


def _shipped_model() -> str:
    return str(find_model(None))


def main() -> None:
    """Run the command line; the entry point of the ``codesearch-train`` script."""
    run_program(app, "codesearch-train")


if __name__ == "__main__":
    main()
