"""The indexing process: brings indexes up to date, so that neither its work nor its crash ever holds up an answer.

Started by ``worker.py``; reads requests from stdin, answers on stdout, each as ``messages.py`` has them. It ends when
stdin does, whatever ended the program that started it: nothing is left behind.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from collections import deque
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, BinaryIO, Final

from codesearch.encoders import LazyEncoder
from codesearch.errors import CodesearchError, WorkerFault
from codesearch.index.progress import Phase
from codesearch.processes import prepare_worker
from codesearch.settings import use_one_blas_thread
from codesearch.upkeep.messages import (
    DocumentChunks,
    EncoderChoice,
    ExtractRequest,
    Message,
    StopRequest,
    UpdateFinished,
    UpdateNotice,
    UpdateProgress,
    UpdateRequest,
    WordsCommitted,
    WorkFailed,
)
from codesearch.upkeep.plan import bring_up_to_date, index_is_current

if TYPE_CHECKING:
    from codesearch.encoders import Encoder

__all__ = ["main"]

_NICENESS: Final = 10
"""Whoever types or asks goes first."""


@dataclass(eq=False, slots=True)
class _Errand:
    """An update that waits or is under way.

    Attributes:
        request: What to do.
        committed: Whether all files can be found by their words.
        stopped: Whether it is to end early.
    """

    request: UpdateRequest
    committed: bool = False
    stopped: bool = False


class Updater:
    """Carries out updates one after the other, and splits documents meanwhile.

    Args:
        requests: Where they come from.
        answers: Where these go.
    """

    def __init__(self, requests: BinaryIO, answers: BinaryIO) -> None:
        self._requests = requests
        self._answers = answers
        self._writing = threading.Lock()
        self._changed = threading.Condition()
        self._waiting: deque[_Errand] = deque()
        self._current: _Errand | None = None
        self._documents: SimpleQueue[ExtractRequest] = SimpleQueue()

    def run(self) -> None:
        """Work until the requests end, which ends the process."""
        for target in (self._read, self._split_documents):
            threading.Thread(target=target, daemon=True).start()
        while True:
            with self._changed:
                self._current = None
                self._changed.wait_for(lambda: self._waiting)
                # Words before vectors: they are a matter of seconds.
                errand = next((one for one in self._waiting if not one.committed), self._waiting[0])
                self._waiting.remove(errand)
                self._current = errand
            self._carry_out(errand)

    def _read(self) -> None:
        try:
            while True:
                self._take(pickle.load(self._requests))
        except (EOFError, OSError, pickle.UnpicklingError):
            pass
        finally:
            # Every commit is one transaction, so whatever is under way may end here.
            os._exit(0)

    def _take(self, request: UpdateRequest | ExtractRequest | StopRequest) -> None:
        if isinstance(request, ExtractRequest):
            self._documents.put(request)
            return
        with self._changed:
            if isinstance(request, UpdateRequest):
                self._waiting.append(_Errand(request))
                self._changed.notify()
                return
            for errand in (self._current, *self._waiting):
                if errand is not None and errand.request.number == request.number:
                    errand.stopped = True

    def _say(self, answer: Message) -> None:
        try:
            said = pickle.dumps(answer)
        except Exception as error:  # a failure is to arrive as one, whatever the error holds
            said = pickle.dumps(WorkFailed(answer.number, _fault(error)))
        with self._writing:
            try:
                self._answers.write(said)
                self._answers.flush()
            except OSError:  # nobody listens any more
                os._exit(0)

    # --- updates --------------------------------------------------------------------------------------------

    def _carry_out(self, errand: _Errand) -> None:
        number = errand.request.number
        try:
            answer = UpdateFinished(number, stopped=True) if errand.stopped else self._update(errand)
        except CodesearchError as error:
            self._say(WorkFailed(number, error))
        except Exception as error:  # what is wrong with one index must not end the updates of the others
            self._say(WorkFailed(number, _fault(error)))
        else:
            if answer is not None:
                self._say(answer)

    def _update(self, errand: _Errand) -> UpdateFinished | None:
        """Carry out an update; None if it gave way to another, and is to be gone on with."""
        request, number = errand.request, errand.request.number
        choice = request.encoder
        load = LazyEncoder(partial(_encoder, choice)) if choice is not None else None
        if request.unless_current and index_is_current(request.job, load):
            return UpdateFinished(number)
        updating = bring_up_to_date(
            request.job,
            load,
            rebuild=request.rebuild and not errand.committed,
            wait_seconds=request.wait_seconds,
            on_wait=lambda: self._say(UpdateNotice(number, "another process is indexing it; waiting for that to end")),
            on_replace=lambda error: self._say(UpdateNotice(number, f"{error.reason.value}: building it anew")),
            adopt_model=request.adopt_model,
        )
        with closing(updating):  # which commits what it has
            while True:
                try:
                    progress = next(updating)
                except StopIteration as end:
                    return UpdateFinished(number, end.value)
                if progress.phase in (Phase.ENCODING, Phase.GRAPH) and not errand.committed:
                    errand.committed = True
                    self._say(WordsCommitted(number))
                if progress.phase is Phase.ENCODING and self._gives_way(errand):
                    return None
                if errand.stopped:
                    return UpdateFinished(number, stopped=True)
                self._say(UpdateProgress(number, progress))

    def _gives_way(self, errand: _Errand) -> bool:
        """Whether others go first, and it waits for its turn; it is stopped if one of them does the same work."""
        with self._changed:
            others = [one for one in self._waiting if not one.committed]
            if any(one.request.job.directory == errand.request.job.directory for one in others):
                errand.stopped = True
                return False
            if others and not errand.stopped:
                self._waiting.append(errand)
                return True
            return False

    # --- documents ------------------------------------------------------------------------------------------

    def _split_documents(self) -> None:
        # A thread: most of an update is spent in the encoder and in Git, which leave the interpreter free.
        from codesearch.index.extraction_workers import extract_text

        while True:
            request = self._documents.get()
            chunks = None
            with suppress(Exception):  # what cannot be split is searched as it was saved
                chunks = tuple(extract_text(request.path, request.text))
            self._say(DocumentChunks(request.number, chunks))


def _fault(error: Exception) -> WorkerFault:
    reason = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    return WorkerFault(f"indexing failed ({reason})")


@lru_cache(maxsize=1)
def _encoder(choice: EncoderChoice) -> Encoder:
    from codesearch.encoders import load_encoder

    return load_encoder(choice.model, choice.device, threads=choice.threads)


def main() -> None:
    """Work for the program that started this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for that program, which closes stdin
    if hasattr(os, "nice"):
        with suppress(OSError):
            os.nice(_NICENESS)
    use_one_blas_thread()
    prepare_worker()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints must not end up among the answers
    Updater(sys.stdin.buffer, answers).run()


if __name__ == "__main__":
    main()
