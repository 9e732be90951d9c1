"""The routes: one table that the router and the description are both made of, and what each route does."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from codesearch import __version__
from codesearch.errors import CodesearchError, IndexUnusable, InputError, ModelError, PlaceNotFound
from codesearch.records import Kind
from codesearch.search.ranking import DESCRIPTIONS
from codesearch.server.access import ANYBODY, Caller
from codesearch.server.collection import Collection, ReadyEncoder, RepositoryState, UnknownRepository
from codesearch.server.contents import UnknownFile, read_content
from codesearch.server.guards import CALLER, ROUTE, problem_body
from codesearch.server.logs import request_id
from codesearch.server.metrics import CONTENT_TYPE, Metrics
from codesearch.server.records import (
    ContentAnswer,
    ContentRequest,
    HealthAnswer,
    Problem,
    RefreshAnswer,
    RepositoriesAnswer,
    RepositoryAnswer,
    SearchAnswer,
    SearchEvent,
    SearchRequest,
    SimilarRequest,
    StatusAnswer,
)
from codesearch.server.searches import NotYet, answer_search, answer_similar, plain

__all__ = ["ENDPOINTS", "Endpoint", "Service", "is_public", "problem_response", "routes"]

T = TypeVar("T")
Model = TypeVar("Model", bound=BaseModel)

_THREADS: Final = 4
_MOST_WAITING: Final = 200
"""Searches that may wait for their turn; whoever comes later is told to come again."""

_SEARCH_SECONDS: Final = 30.0
"""How long a client waits for a search, its turn included."""

_STREAM_TYPE: Final = "application/x-ndjson"


class Service:
    """What the routes work with.

    Args:
        collection: The repositories.
        encoder: Of questions.
        metrics: That count.
        seconds: How long a client waits for a search.
    """

    def __init__(
        self, collection: Collection, encoder: ReadyEncoder, metrics: Metrics, *, seconds: float = _SEARCH_SECONDS
    ) -> None:
        self.collection = collection
        self.encoder = encoder
        self.metrics = metrics
        self.seconds = seconds
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="search")
        self._waiting = threading.Semaphore(_MOST_WAITING)

    async def work(self, request: Request, task: Callable[[], T]) -> T:
        """Do something in a thread; one that is still waiting for its turn is dropped when its client leaves.

        Raises:
            HTTPException: Too many wait already, or it takes too long.
            ClientDisconnect: The client left.
        """
        if not self._waiting.acquire(blocking=False):
            raise HTTPException(
                503, "too many requests wait for their turn: try again in a moment", {"retry-after": "1"}
            )
        future = self._pool.submit(task)
        future.add_done_callback(lambda _: self._waiting.release())
        leaving: asyncio.Future[Any] = asyncio.ensure_future(_client_leaves(request))
        wrapped: asyncio.Future[Any] = asyncio.wrap_future(future)
        wrapped.add_done_callback(_look_at)
        try:
            done, _ = await asyncio.wait({wrapped, leaving}, timeout=self.seconds, return_when=asyncio.FIRST_COMPLETED)
            if wrapped in done:
                return cast(T, wrapped.result())
            if leaving in done:
                raise ClientDisconnect
            raise HTTPException(
                503, f"no answer within {self.seconds:g} s: ask a shorter question, or fewer repositories"
            )
        finally:
            leaving.cancel()
            future.cancel()

    def close(self) -> None:
        """Let go of the threads; what waits is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _look_at(future: asyncio.Future[Any]) -> None:
    """Keep asyncio from complaining of an error that nobody waited for."""
    if not future.cancelled():
        future.exception()


async def _client_leaves(request: Request) -> None:
    """Return when the client of a request whose body was read has left."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


# --- what the routes do -------------------------------------------------------------------------------------


async def _search(service: Service, request: Request, caller: Caller, wanted: SearchRequest) -> Response:
    answer = await service.work(request, lambda: answer_search(service.collection, service.encoder, caller, wanted))
    _count(service, caller, wanted.repositories, "words" if answer.by_words or wanted.words_only else "full", answer)
    return _json(request, answer)


async def _stream(service: Service, request: Request, caller: Caller, wanted: SearchRequest) -> Response:
    two = not wanted.words_only and service.encoder.load is not None
    first = await service.work(
        request,
        lambda: answer_search(service.collection, service.encoder, caller, wanted, words_only=two),
    )
    _count(service, caller, wanted.repositories, "words", first)

    async def events() -> AsyncIterator[bytes]:
        if not two:
            yield _line(SearchEvent(event="full", answer=first))
            return
        yield _line(SearchEvent(event="words", answer=first))
        try:
            answer = await service.work(
                request, lambda: answer_search(service.collection, service.encoder, caller, wanted)
            )
        except ClientDisconnect:
            return
        except (CodesearchError, HTTPException) as error:
            yield _line(SearchEvent(event="problem", problem=_problem(service, error)))
            return
        _count(service, caller, wanted.repositories, "full", answer)
        yield _line(SearchEvent(event="full", answer=answer))

    return StreamingResponse(events(), media_type=_STREAM_TYPE, headers={"cache-control": "no-store"})


async def _similar(service: Service, request: Request, caller: Caller, wanted: SimilarRequest) -> Response:
    answer = await service.work(request, lambda: answer_similar(service.collection, service.encoder, caller, wanted))
    _count(service, caller, wanted.repositories, "similar", answer)
    return _json(request, answer)


async def _content(service: Service, request: Request, caller: Caller, wanted: ContentRequest) -> Response:
    name = request.path_params["name"]
    return _json(request, await service.work(request, lambda: read_content(service.collection, caller, name, wanted)))


async def _repositories(service: Service, request: Request, caller: Caller, _: None) -> Response:
    names = service.collection.names(caller)
    return _json(request, RepositoriesAnswer(repositories=[_repository_of(service.collection.state(n)) for n in names]))


async def _repository(service: Service, request: Request, caller: Caller, _: None) -> Response:
    name = _visible(service, request, caller)
    return _json(request, _repository_of(service.collection.state(name)))


async def _refresh(service: Service, request: Request, caller: Caller, _: None) -> Response:
    name = _visible(service, request, caller)
    service.collection.request_update(name)
    return _json(request, RefreshAnswer(repository=name, accepted=True), status=202)


async def _status(service: Service, request: Request, caller: Caller, _: None) -> Response:
    states = [service.collection.state(name) for name in service.collection.names(caller)]
    counts = [state.counts for state in states if state.counts is not None]
    encoder = service.encoder
    stage = "none" if encoder.load is None else "loading" if encoder.loading else "ready" if encoder() else "failed"
    languages: dict[str, int] = {}
    for one in counts:
        for language, files in one.languages.items():
            languages[language] = languages.get(language, 0) + files
    answer = StatusAnswer.model_validate(
        {
            "version": __version__,
            "token": caller.name,
            "encoder": stage,
            "problem": encoder.problem,
            "repositories": len(states),
            "searchable": sum(bool(one.chunks) for one in counts),
            "chunks": sum(one.chunks for one in counts),
            "pending": sum(one.pending for one in counts),
            "languages": dict(sorted(languages.items(), key=lambda item: (-item[1], item[0]))),
            "kinds": list(Kind),
            "signals": dict(DESCRIPTIONS),
        }
    )
    return _json(request, answer)


async def _metrics(service: Service, request: Request, caller: Caller, _: None) -> Response:  # noqa: ARG001
    return Response(service.metrics.text(caller.may_see), media_type=CONTENT_TYPE)


async def _alive(service: Service, request: Request, caller: Caller, _: None) -> Response:  # noqa: ARG001
    return _json(request, HealthAnswer(status="ok"))


async def _ready(service: Service, request: Request, caller: Caller, _: None) -> Response:  # noqa: ARG001
    ready = service.collection.is_ready
    return _json(request, HealthAnswer(status="ok" if ready else "starting"), status=200 if ready else 503)


def _visible(service: Service, request: Request, caller: Caller) -> str:
    name: str = request.path_params["name"]
    if name not in service.collection.names(caller):
        raise UnknownRepository(f"there is no repository {name[:200]!r}: GET /v1/repositories lists them")
    return name


def _repository_of(state: RepositoryState) -> RepositoryAnswer:
    counts, manifest, standing = state.counts, state.manifest, state.standing
    return RepositoryAnswer.model_validate(
        {
            "name": state.name,
            "stage": standing.stage.value,
            "searchable": bool(counts and counts.chunks),
            "doing": standing.doing,
            "done": standing.done,
            "total": standing.total,
            "problem": standing.problem,
            "files": counts.files if counts else 0,
            "chunks": counts.chunks if counts else 0,
            "pending": counts.pending if counts else 0,
            "skipped": counts.skipped if counts else 0,
            "languages": dict(counts.languages) if counts else {},
            "commit": manifest.commit if manifest else None,
            "updated": manifest.updated if manifest else 0.0,
            "imported": state.imported,
        }
    )


def _count(service: Service, caller: Caller, wanted: Sequence[str], kind: str, answer: SearchAnswer) -> None:
    service.metrics.search_seconds.labels(kind).observe(answer.seconds)
    with suppress(UnknownRepository):
        for name in service.collection.select(caller, wanted):
            service.metrics.searches.labels(name, kind).inc()


# --- the table ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A route.

    Attributes:
        method: Of HTTP.
        path: Template; ``{name}`` is the name of a repository, which may hold slashes.
        operation: Name for generated clients.
        summary: What it does, in a sentence.
        handle: Does it.
        answer: What it answers; None for text.
        query: What its query string may hold.
        body: What its body has to be.
        problems: Statuses of what may go wrong, beside those that every route has.
        status: Where all goes well.
        media: Of the answer.
    """

    method: str
    path: str
    operation: str
    summary: str
    handle: Callable[[Service, Request, Caller, Any], Awaitable[Response]]
    answer: type[BaseModel] | None
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    problems: tuple[int, ...] = ()
    status: int = 200
    media: str = "application/json"

    @property
    def public(self) -> bool:
        """Whether it needs no token."""
        return self.path in _PUBLIC


_PUBLIC: Final = frozenset({"/healthz", "/readyz", "/v1/openapi.json"})
_OF_PAGE: Final = frozenset({"/", "/page.js", "/page.css", "/icon.svg"})

ENDPOINTS: Final = (
    Endpoint(
        "GET",
        "/v1/search",
        "search",
        "Answer a short question.",
        _search,
        SearchAnswer,
        query=SearchRequest,
        problems=(404, 422, 503),
    ),
    Endpoint(
        "POST",
        "/v1/search",
        "searchLong",
        "Answer a question of any length.",
        _search,
        SearchAnswer,
        body=SearchRequest,
        problems=(400, 404, 415, 422, 503),
    ),
    Endpoint(
        "POST",
        "/v1/search/stream",
        "searchStream",
        "Answer a question twice: at once by its words, and then in full; one JSON object a line.",
        _stream,
        SearchEvent,
        body=SearchRequest,
        problems=(400, 404, 415, 422, 503),
        media=_STREAM_TYPE,
    ),
    Endpoint(
        "POST",
        "/v1/similar",
        "similar",
        "Find the code most like a place or a snippet.",
        _similar,
        SearchAnswer,
        body=SimilarRequest,
        problems=(400, 404, 415, 422, 503),
    ),
    Endpoint(
        "GET",
        "/v1/repositories",
        "listRepositories",
        "List the repositories that the token may see, and how each is doing.",
        _repositories,
        RepositoriesAnswer,
    ),
    Endpoint(
        "GET",
        "/v1/repositories/{name}/content",
        "readContent",
        "Return a file of a repository, or the lines around a match, with the symbols of the file.",
        _content,
        ContentAnswer,
        query=ContentRequest,
        problems=(404, 422, 503),
    ),
    Endpoint(
        "POST",
        "/v1/repositories/{name}/refresh",
        "refreshRepository",
        "Bring a repository up to date now, as a webhook does after a push.",
        _refresh,
        RefreshAnswer,
        problems=(404, 422),
        status=202,
    ),
    Endpoint(
        "GET",
        "/v1/repositories/{name}",
        "getRepository",
        "Say how a repository is doing.",
        _repository,
        RepositoryAnswer,
        problems=(404,),
    ),
    Endpoint("GET", "/v1/status", "getStatus", "Say how the server is doing.", _status, StatusAnswer),
    Endpoint("GET", "/metrics", "getMetrics", "Counters for Prometheus.", _metrics, None, media=CONTENT_TYPE),
    Endpoint("GET", "/healthz", "getHealth", "Whether the server is alive.", _alive, HealthAnswer),
    Endpoint("GET", "/readyz", "getReadiness", "Whether its indexes are open; 503 until then.", _ready, HealthAnswer),
)


def is_public(path: str) -> bool:
    """Whether everybody may have what a path leads to: the page holds no data, and asks for a token itself."""
    return path in _PUBLIC or path in _OF_PAGE


def routes(service: Service) -> list[Route]:
    """Return the routes of the table."""
    found = []
    for endpoint in ENDPOINTS:
        path = endpoint.path.replace("{name}", "{name:path}")
        found.append(Route(path, _handler(service, endpoint), methods=[endpoint.method], name=endpoint.operation))
    return found


def _handler(service: Service, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        request.scope[ROUTE] = endpoint.path
        caller = request.scope.get(CALLER, ANYBODY)
        try:
            wanted: BaseModel | None = None
            if endpoint.body is not None:
                wanted = await _read_body(request, endpoint.body)
            elif endpoint.query is not None:
                wanted = _read_query(request, endpoint.query)
                await _skip_body(request)
            else:
                await _skip_body(request)
            return await endpoint.handle(service, request, caller, wanted)
        except (CodesearchError, ValidationError) as error:
            return problem_response(_problem(service, error))
        except ClientDisconnect:
            return Response(status_code=499)  # nobody reads it; the log does

    return handle


async def _skip_body(request: Request) -> None:
    """Read what a client sends without being asked; what tells that it has left comes after that."""
    await request.body()


async def _read_body(request: Request, model: type[Model]) -> Model:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415, "send JSON, with the header  Content-Type: application/json")
    body = await request.body()
    try:
        held = json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(400, "the body is not JSON") from None
    if not isinstance(held, dict):
        raise HTTPException(422, "the body has to be a JSON object")
    return model.model_validate_json(body, strict=True)


def _read_query(request: Request, model: type[Model]) -> Model:
    lists = {name for name, one in model.model_fields.items() if "list" in str(one.annotation)}
    held: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if name in lists:
            held.setdefault(name, []).append(value)
        elif name in held:
            raise HTTPException(422, f"{name[:80]} was given twice")
        else:
            held[name] = value
    return model.model_validate(held)


# --- answers ------------------------------------------------------------------------------------------------


def _json(request: Request, answer: BaseModel, *, status: int = 200) -> Response:
    """Return an answer as JSON; 304 where the client has it already."""
    body = json.dumps(plain(answer.model_dump(mode="python")), ensure_ascii=False).encode()
    headers = {"cache-control": "private, no-cache", "vary": "Authorization, Accept-Encoding"}
    if request.method == "GET" and status == 200:
        held = answer.model_dump(mode="python", exclude={"seconds"})  # which differs each time
        digest = hashlib.blake2b(json.dumps(plain(held)).encode(), digest_size=12).hexdigest()
        headers["etag"] = f'W/"{digest}"'
        known = [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]
        if headers["etag"] in known or "*" in known:
            return Response(status_code=304, headers=headers)
    return Response(body, status, headers, media_type="application/json")


def _line(event: SearchEvent) -> bytes:
    return json.dumps(plain(event.model_dump(mode="python")), ensure_ascii=False).encode() + b"\n"


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Return a problem as an answer."""
    body = problem_body(problem.status, problem.detail)
    return Response(body, problem.status, dict(headers or {}), media_type="application/problem+json")


def _problem(service: Service, error: Exception) -> Problem:
    """Return what is wrong as clients get it."""
    status, detail = _told(error)
    held = json.loads(problem_body(status, service.collection.conceal(detail)))
    return Problem.model_validate(held | {"request_id": request_id.get()})


def _told(error: Exception) -> tuple[int, str]:
    if isinstance(error, ValidationError):
        return 422, _explained(error)
    if isinstance(error, HTTPException):
        return error.status_code, error.detail
    if isinstance(error, UnknownRepository | UnknownFile | PlaceNotFound):
        return 404, str(error)
    if isinstance(error, NotYet):
        return 503, str(error)
    if isinstance(error, InputError):
        return 422, str(error)
    if isinstance(error, IndexUnusable):
        return 503, f"{error.reason.value}: it is being built anew, so ask again in a minute"
    if isinstance(error, ModelError):
        return 503, f"{error}; words_only needs no encoder"
    return 503, str(error)


def _explained(error: ValidationError) -> str:
    """Return in a sentence what is wrong with the first member that cannot be used."""
    first = error.errors(include_url=False, include_input=True)[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{where[:80]} is not known here: GET /v1/openapi.json lists what is"
    if first["type"] == "missing":
        return f"{where} is missing"
    reason = first["msg"].removeprefix("Value error, ")
    reason = reason[:1].lower() + reason[1:]
    given = repr(first["input"])
    shown = given if len(given) <= 80 else f"{given[:77]}..."
    return f"{where}: {reason}, not {shown}" if where else reason
