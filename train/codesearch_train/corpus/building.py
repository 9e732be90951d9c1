"""The corpus pipeline: repositories -> parts -> one decontaminated corpus of (text, code) pairs.

::

    repositories.tsv ──>                Git objects of each, bare or not, cloned where they are missing
                         licences.py    permissive, or left out
                         repository.py  files -> chunks (the product's own extraction) -> pairs, filtered
                           pairs.py, commits.py, prose.py: where the texts come from
                           filters.py, fingerprints.py, decontamination.py: what is not let through
                         parts.py       one part on disk a repository and stage: a run can be resumed
                         assembly.py    duplicates and giants out, shards and manifest written
                         check_contamination looks at the finished shards again, and raises
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from codesearch.errors import CodesearchError, InputError
from codesearch_train.corpus.assembly import assemble
from codesearch_train.corpus.decontamination import EvaluationSet, check_contamination, load_evaluation
from codesearch_train.corpus.pairs import Split
from codesearch_train.corpus.parts import read_facts, write_part
from codesearch_train.corpus.questions import question_pairs
from codesearch_train.corpus.repository import RepositorySource, Stage, extract_repository
from codesearch_train.corpus.shards import read_manifest

__all__ = ["CorpusSettings", "Progress", "build_corpus", "manifest_table", "read_repositories"]


@dataclass(frozen=True, slots=True)
class CorpusSettings:
    """What a corpus is made of.

    Attributes:
        repositories: TSV with a header; columns ``repository`` (``owner/name``) and ``split``, and any others.
        clones: Holds the repositories as ``owner+name`` (or ``owner+name/repo``), bare or not.
        work: Parts are kept here, so that an interrupted run goes on where it was.
        output: The corpus; replaced as a whole when it is finished and clean.
        evaluation: Directory of the evaluation data, which must not get into it.
        questions: Directory with ``conala`` and ``staqc``; none where None.
        history: Whether small commits give pairs too.
        clone: Whether repositories that `clones` lacks are cloned from GitHub.
        processes: How many repositories are read at once.
    """

    repositories: Path
    clones: Path
    work: Path
    output: Path
    evaluation: Path
    questions: Path | None = None
    history: bool = True
    clone: bool = False
    processes: int = 2


@dataclass(frozen=True, slots=True)
class Progress:
    """A step that is done: how many of how many, and a sentence about it."""

    done: int
    total: int
    message: str


def read_repositories(path: Path) -> list[tuple[str, Split]]:
    """Reads names and splits of a list of repositories.

    Raises:
        InputError: The file cannot be read, has no such columns, or a line is not ``owner/name`` with a
            split, or comes twice.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give a list of repositories") from error
    header = lines[0].split("\t") if lines else []
    if "repository" not in header or "split" not in header:
        raise InputError(f"{path}:1: no columns repository and split; see train/repositories.tsv for an example")
    name_column, split_column = header.index("repository"), header.index("split")
    found: dict[str, Split] = {}
    for number, line in enumerate(lines[1:], start=2):
        fields = line.split("\t")
        if len(fields) != len(header):
            raise InputError(f"{path}:{number}: {len(fields)} columns where the header has {len(header)}")
        name, split = fields[name_column], fields[split_column]
        if name.count("/") != 1 or split not in {each.value for each in Split}:
            raise InputError(f"{path}:{number}: needs owner/name and train or valid, not {name!r} and {split!r}")
        if name.lower() in {known.lower() for known in found}:
            raise InputError(f"{path}:{number}: {name} is listed twice")
        found[name] = Split(split)
    if not found:
        raise InputError(f"{path}: lists no repository")
    return list(found.items())


def _directory(settings: CorpusSettings, name: str) -> Path | None:
    folder = settings.clones / name.replace("/", "+")
    for candidate in (folder / "repo", folder):
        if (candidate / "HEAD").is_file() or (candidate / ".git").is_dir():
            return candidate
    return None


def _clone(settings: CorpusSettings, name: str) -> Path:
    target = settings.clones / name.replace("/", "+")
    command = ["git", "clone", "--quiet", "--bare", f"https://github.com/{name}.git", str(target)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        shutil.rmtree(target, ignore_errors=True)
        detail = getattr(error, "stderr", "") or str(error)
        raise InputError(f"{name}: cannot be cloned ({detail.strip()}); take it off the list or try again") from error
    return target


@lru_cache(maxsize=1)
def _evaluation(directory: Path) -> EvaluationSet:
    """Loaded once in each process."""
    return load_evaluation(directory)


def _extract(settings: CorpusSettings, name: str, split: Split, stage: Stage) -> str:
    directory = _directory(settings, name) or (_clone(settings, name) if settings.clone else None)
    if directory is None:
        return f"{name}: not in {settings.clones}, passed over"
    found = extract_repository(RepositorySource(name, split, directory), _evaluation(settings.evaluation), stage)
    write_part(settings.work / stage, found)
    return f"{name}: {found.left_out or f'{len(found.pairs):,} pairs'} ({stage})"


def _extract_all(settings: CorpusSettings, names: list[tuple[str, Split]]) -> Iterator[Progress]:
    stages = (Stage.TREE, Stage.HISTORY) if settings.history else (Stage.TREE,)
    for stage in stages:
        (settings.work / stage).mkdir(parents=True, exist_ok=True)
    tasks = [(name, split, stage) for stage in stages for name, split in names]
    missing = [task for task in tasks if read_facts(settings.work / task[2], task[0]) is None]
    done = len(tasks) - len(missing)
    with ProcessPoolExecutor(settings.processes) as executor:
        running: dict[Future[str], str] = {}
        queue = iter(missing)
        while True:
            for name, split, stage in queue:
                running[executor.submit(_extract, settings, name, split, stage)] = name
                if len(running) >= 2 * settings.processes:
                    break
            if not running:
                return
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                name = running.pop(future)
                done += 1
                try:
                    message = future.result()
                except CodesearchError as error:
                    message = f"{name}: {error}"
                yield Progress(done, len(tasks), message)


def build_corpus(settings: CorpusSettings) -> Iterator[Progress]:
    """Makes a corpus, resuming from the parts that an earlier run finished.

    Yields:
        Progress, a step at a time.

    Raises:
        InputError: A list, the evaluation data or the questions cannot be read.
        ContaminationError: Evaluation data was found in the result, which is then not put in place.
    """
    names = read_repositories(settings.repositories)
    evaluation = load_evaluation(settings.evaluation)
    questions = list(question_pairs(settings.questions)) if settings.questions else []
    yield from _extract_all(settings, names)
    fresh = settings.output.with_name(settings.output.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    manifest = assemble(settings.work, (name for name, _ in names), fresh, evaluation, questions)
    yield Progress(1, 2, f"assembled {sum(manifest['pairs'].values()):,} pairs")
    count = check_contamination(fresh, evaluation)
    shutil.rmtree(settings.output, ignore_errors=True)
    fresh.rename(settings.output)
    yield Progress(2, 2, f"looked at {count:,} pairs: no evaluation data in {settings.output}")


def manifest_table(corpus: Path) -> str:
    """The committed form of a corpus's manifest, as TSV: what each repository gave, and under which licence.

    Raises:
        CorpusError: The corpus has no readable manifest.
    """
    manifest: dict[str, Any] = read_manifest(corpus)
    lines = ["repository\tcommit\tlicence\tsplit\tpairs\tkinds\tlanguages\tleft out"]
    for entry in manifest["repositories"]:
        kinds = " ".join(f"{kind}={count}" for kind, count in entry["kinds"].items())
        languages = " ".join(f"{language}={count}" for language, count in entry["languages"].items())
        facts = (entry["name"], entry["commit"], entry["licence"], entry["split"])
        lines.append("\t".join((*facts, str(sum(entry["kinds"].values())), kinds, languages, entry["left_out"])))
    return "\n".join(lines) + "\n"
