"""The endpoint: ``/recommend`` and ``/health``."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from anyio import to_thread
from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from rec_assets.serving.answer import Answer
from rec_assets.serving.http.answering import Question, UnknownTracksError, answer_each, explained
from rec_assets.serving.http.current import CurrentModel
from rec_assets.serving.http.server import ServingSettings
from rec_assets.serving.http.together import Together
from rec_assets.store.promoted_models import PromotedModels

# More questions than these are refused with 503: waiting ones only take memory.
MOST_WAITING = 64


def create_app(settings: ServingSettings) -> FastAPI:
    """The endpoint over the store of ``settings``; it follows what is promoted while it runs."""
    scratch = tempfile.TemporaryDirectory(prefix="rec-assets-serve-")
    current = CurrentModel(PromotedModels(settings.storage, Path(scratch.name)), poll_seconds=settings.poll_seconds)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with scratch:
            await to_thread.run_sync(current.start)
            yield
            await to_thread.run_sync(current.stop)

    # The pages of docs_url and redoc_url would load from elsewhere.
    app = FastAPI(
        title="rec_assets", docs_url=None, redoc_url=None, lifespan=lifespan, redirect_slashes=False, version="1"
    )
    app.state.current = current
    app.add_exception_handler(RequestValidationError, _refused)
    app.add_exception_handler(UnknownTracksError, _unknown)
    _add_routes(app, current, Together(answer_each, settings.threads))
    return app


def _add_routes(app: FastAPI, current: CurrentModel, together: Together) -> None:
    @app.get("/recommend", response_model=Answer)
    async def recommend(question: Annotated[Question, Query()]) -> Response:
        """Tracks that fit after the asked ones."""
        served = current.served
        if served is None:
            return _unavailable(current.problem)
        if together.waiting >= MOST_WAITING:
            return _unavailable(f"{MOST_WAITING} questions wait already. Ask again in a second.")
        text = await together.ask(served, question)
        return Response(text, media_type="application/json")

    @app.get("/health")
    async def health() -> JSONResponse:
        """Which model is served."""
        served = current.served
        if served is None:
            return JSONResponse({"status": "no model", "problem": current.problem}, 503)
        facts = served.facts
        age = datetime.now(UTC) - datetime.fromisoformat(facts["promoted_at"])
        report = {
            "status": "ok" if current.problem is None else "old model",
            "problem": current.problem,
            **{name: facts[name] for name in ("version", "strategy", "k", "hit_rate", "promoted_at")},
            "vocabulary": facts["counts"]["vocabulary"],
            "seconds_since_promotion": round(age.total_seconds(), 1),
        }
        return JSONResponse(report)


def _unavailable(reason: str | None) -> JSONResponse:
    return JSONResponse({"detail": reason}, 503, {"Retry-After": "1"})


async def _refused(_: Request, error: Any) -> JSONResponse:
    return JSONResponse(explained(error.errors()), 422)


async def _unknown(_: Request, error: Any) -> JSONResponse:
    return JSONResponse(error.as_dict(), 404)
