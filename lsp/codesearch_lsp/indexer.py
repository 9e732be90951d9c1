"""The process that indexes, so that neither its work nor its crash ever holds up an answer.

Started by ``codesearch_lsp.worker``; reads requests from stdin, answers on stdout. It ends when stdin does, whatever
ended the server: nothing is left behind.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from contextlib import closing, suppress
from functools import lru_cache
from queue import SimpleQueue
from typing import TYPE_CHECKING, BinaryIO, Final

from codesearch.encoders import LazyEncoder
from codesearch.errors import CodesearchError, IndexBusy
from codesearch.index.progress import Phase
from codesearch.languages import language_of
from codesearch.settings import Settings, load_settings, use_one_blas_thread
from codesearch.upkeep.plan import Job, bring_up_to_date, plan
from codesearch_lsp.messages import Committed, Done, Extract, Extracted, Failed, FromIndexer, Moved, Stop, Update

if TYPE_CHECKING:
    from codesearch.encoders import Encoder

__all__ = ["main"]

_NICENESS: Final = 10
"""Whoever types or asks goes first."""


class Indexer:
    """Carries out updates one after the other, and splits documents meanwhile."""

    def __init__(self, requests: BinaryIO, answers: BinaryIO) -> None:
        self._requests = requests
        self._answers = answers
        self._writing = threading.Lock()
        self._updates: SimpleQueue[Update] = SimpleQueue()
        self._documents: SimpleQueue[Extract] = SimpleQueue()
        self._stopped: set[int] = set()

    def run(self) -> None:
        """Work until stdin ends."""
        for target in (self._read, self._split_documents):
            threading.Thread(target=target, daemon=True).start()
        while True:
            self._update(self._updates.get())

    def _read(self) -> None:
        try:
            while True:
                request = pickle.load(self._requests)
                if isinstance(request, Stop):
                    self._stopped.add(request.number)
                elif isinstance(request, Extract):
                    self._documents.put(request)
                else:
                    self._updates.put(request)
        except (EOFError, OSError, pickle.UnpicklingError):
            pass
        finally:
            # Every commit is one transaction, so whatever is under way may end here.
            os._exit(0)

    def _say(self, answer: FromIndexer) -> None:
        with self._writing:
            try:
                pickle.dump(answer, self._answers)
                self._answers.flush()
            except OSError:
                os._exit(0)

    # --- updates --------------------------------------------------------------------------------------------

    def _update(self, request: Update) -> None:
        number = request.number
        try:
            settings = load_settings(request.repository.root, overrides=_overrides(request))
            self._say(self._run(request, _job(request, settings), settings))
        except IndexBusy as error:
            self._say(Failed(number, str(error), busy=True))
        except CodesearchError as error:
            self._say(Failed(number, str(error)))
        except Exception as error:  # the server goes on answering from what there is, and says so
            self._say(Failed(number, f"{type(error).__name__}: {error}", fault=True))
        finally:
            self._stopped.discard(number)

    def _run(self, request: Update, job: Job, settings: Settings) -> Done:
        number, committed = request.number, False
        load = (
            LazyEncoder(lambda: _encoder(settings.model, settings.device, settings.threads)) if request.encode else None
        )
        updating = bring_up_to_date(job, load, rebuild=request.rebuild, wait_seconds=0)
        with closing(updating):
            while True:
                try:
                    progress = next(updating)
                except StopIteration as end:
                    return Done(number, end.value)
                if number in self._stopped:
                    return Done(number, None, stopped=True)
                if progress.phase in (Phase.ENCODING, Phase.GRAPH) and not committed:
                    self._say(Committed(number))
                    committed = True
                self._say(Moved(number, progress))

    # --- documents ------------------------------------------------------------------------------------------

    def _split_documents(self) -> None:
        # A thread: most of an update is spent in the encoder and in Git, which leave the interpreter free.
        from codesearch.extraction import extract

        while True:
            request = self._documents.get()
            chunks = None
            with suppress(Exception):  # what cannot be split is searched as it was saved
                language = language_of(request.path, request.text.partition("\n")[0][:200], request.text)
                if language is not None:
                    chunks = tuple(extract(request.path, request.text, language))
            self._say(Extracted(request.number, chunks))


def _overrides(request: Update) -> dict[str, str]:
    given = {"model": request.model, "device": "" if request.device == "auto" else request.device}
    return {name: value for name, value in given.items() if value}


def _job(request: Update, settings: Settings) -> Job:
    from dataclasses import replace

    job = plan(request.repository, settings, indexes=request.indexes)
    # Not remembered by the index: these are the client's, and hold for as long as it says so.
    rules = replace(
        job.rules,
        include=(*job.rules.include, *request.include),
        exclude=(*job.rules.exclude, *request.exclude),
    )
    return replace(job, rules=rules)


@lru_cache(maxsize=1)
def _encoder(model: str | None, device: str, threads: int) -> Encoder:
    from codesearch.encoders import load_encoder

    return load_encoder(model, device, threads=threads)


def main() -> None:
    """Work for the server that started this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is for the server, which closes stdin
    if hasattr(os, "nice"):
        with suppress(OSError):
            os.nice(_NICENESS)
    use_one_blas_thread()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints must not end up among the answers
    Indexer(sys.stdin.buffer, answers).run()


if __name__ == "__main__":
    main()
