"""The endpoint: the page at ``/``, ``/recommend``, ``/tracks``, ``/health`` and ``/metrics``."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from anyio import to_thread
from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, ValidationError
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect

from rec_assets.serving.answer import Answer
from rec_assets.serving.http.answering import BusyError, Suggestions, UnknownTracksError, answer_each, suggest_each
from rec_assets.serving.http.asking import Asking, PostedQuestion, Question, Search, explained
from rec_assets.serving.http.current import CurrentModel
from rec_assets.serving.http.metrics import Measured, Metrics
from rec_assets.serving.http.page import HEADERS, PAGE
from rec_assets.serving.http.server import ServingSettings
from rec_assets.serving.http.together import Together
from rec_assets.store.promoted_models import PromotedModels
from rec_assets.store.temporary import ScratchFolder

# More questions than these are refused with 503: waiting ones only take memory.
MOST_WAITING = 64
# A thousand pairs of usual names fit; so much is held for each connection.
LONGEST_BODY = 256 * 1024
_JSON = "application/json"


def create_app(settings: ServingSettings) -> FastAPI:
    """The endpoint over the store of ``settings``; it follows what is promoted while it runs."""
    scratch = ScratchFolder()
    current = CurrentModel(PromotedModels(settings.storage, scratch.path), poll_seconds=settings.poll_seconds)
    metrics = Metrics(current)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            await to_thread.run_sync(current.start)
            yield
            await to_thread.run_sync(current.stop)
        finally:
            scratch.close()

    # The pages of docs_url and redoc_url would load from elsewhere.
    app = FastAPI(
        title="rec_assets", docs_url=None, redoc_url=None, lifespan=lifespan, redirect_slashes=False, version="1"
    )
    app.state.current = current
    app.add_exception_handler(RequestValidationError, _refused)
    app.add_exception_handler(UnknownTracksError, _unknown)
    app.add_exception_handler(BusyError, _busy)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Content-Type"],
        )
    app.add_middleware(Measured, metrics=metrics)
    _add_questions(app, current, metrics, settings.threads)
    _add_pages(app, current, metrics)
    return app


def _add_questions(app: FastAPI, current: CurrentModel, metrics: Metrics, threads: int) -> None:
    questions, searches = Together(answer_each, threads), Together(suggest_each, threads)

    async def answered(together: Together, question: Asking | Search) -> Response:
        served = current.served
        if served is None:
            return _unavailable(current.problem)
        if together.waiting >= MOST_WAITING:
            return _unavailable(f"{MOST_WAITING} questions wait already. Ask again in a second.")
        with metrics.waiting.track_inprogress():
            return Response(await together.ask(served, question), media_type=_JSON)

    @app.get("/recommend", response_model=Answer)
    async def recommend(question: Annotated[Question, Query()]) -> Response:
        """Tracks that fit after the asked ones."""
        return await answered(questions, question)

    @app.post("/recommend", response_model=Answer, openapi_extra=_body_of(PostedQuestion))
    async def recommend_to_list(request: Request) -> Response:
        """The same for a list that is too long for an address."""
        body = await _body(request)
        if body is None:
            return JSONResponse({"detail": f"the body is longer than {LONGEST_BODY:,} bytes. Ask for fewer."}, 413)
        return await answered(questions, _parsed(body))

    @app.get("/tracks", response_model=Suggestions)
    async def tracks(search: Annotated[Search, Query()]) -> Response:
        """Tracks that may be meant by some letters."""
        return await answered(searches, search)


def _add_pages(app: FastAPI, current: CurrentModel, metrics: Metrics) -> None:
    @app.get("/health")
    @app.head("/health", include_in_schema=False)
    async def health() -> JSONResponse:
        """Which model is served."""
        served = current.served
        if served is None:
            return JSONResponse({"status": "no model", "problem": current.problem}, 503)
        facts = served.facts
        report = {
            "status": "ok" if current.problem is None else "old model",
            "problem": current.problem,
            **{name: facts[name] for name in ("version", "strategy", "k", "hit_rate", "promoted_at", "dev_run")},
            "vocabulary": facts["counts"]["vocabulary"],
            "seconds_since_promotion": round(served.age, 1),
        }
        return JSONResponse(report)

    @app.get("/metrics")
    def counts() -> Response:
        """Requests, times and the model, for Prometheus."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/", include_in_schema=False)
    @app.head("/", include_in_schema=False)
    async def page() -> HTMLResponse:
        return HTMLResponse(PAGE, headers=HEADERS)


def _body_of(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema()
    pair = schema.pop("$defs")["Pair"]
    for field in schema["properties"].values():
        if "$ref" in field.get("items", {}):
            field["items"] = pair
    return {"requestBody": {"required": True, "content": {_JSON: {"schema": schema}}}}


async def _body(request: Request) -> bytes | None:
    """None if it is too long."""
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > LONGEST_BODY:
                return None
    except ClientDisconnect:
        return b""  # nobody reads what is wrong with it
    return bytes(body)


def _parsed(body: bytes) -> PostedQuestion:
    try:
        return PostedQuestion.model_validate_json(body, strict=True)
    except ValidationError as error:
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in error.errors()]) from error


def _unavailable(reason: str | None) -> JSONResponse:
    return JSONResponse({"detail": reason}, 503, {"Retry-After": "1"})


async def _refused(request: Request, error: Any) -> JSONResponse:
    asked = Search if request.url.path == "/tracks" else PostedQuestion if request.method == "POST" else Question
    return JSONResponse(explained(error.errors(), asked), 422)


async def _busy(_: Request, error: Any) -> JSONResponse:
    return _unavailable(str(error))


async def _unknown(_: Request, error: Any) -> JSONResponse:
    return JSONResponse(error.as_dict(), 404)
