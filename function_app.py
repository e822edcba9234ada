"""Triggers only: parse, call one function, answer. The one product module that knows azure.functions."""

# The library's decorators take untyped keyword arguments.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import azure.functions as func

from orchestrator import triggers
from orchestrator.app import app as product
from orchestrator.app import not_running, web
from shared.errors import Invalid

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
CONNECTION = "GREENLIGHT_STORAGE"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

logging.getLogger("azure").setLevel(logging.WARNING)  # it logs every request's headers


@app.event_grid_trigger(arg_name="event")
def on_model_event(event: func.EventGridEvent) -> None:
    triggers.model_event(product(), _payload(event))


@app.queue_trigger(arg_name="message", queue_name="wakes", connection=CONNECTION)
def on_wake(message: func.QueueMessage) -> None:
    triggers.wake(product(), _text(message))


@app.queue_trigger(arg_name="message", queue_name="approval-decisions", connection=CONNECTION)
def on_approval_message(message: func.QueueMessage) -> None:
    triggers.approval_message(product(), _text(message), _came(message))


@app.queue_trigger(arg_name="message", queue_name="wakes-poison", connection=CONNECTION)
def on_wake_poison(message: func.QueueMessage) -> None:
    triggers.poison(product(), "wakes", _text(message))


@app.queue_trigger(arg_name="message", queue_name="approval-decisions-poison", connection=CONNECTION)
def on_approval_message_poison(message: func.QueueMessage) -> None:
    triggers.poison(product(), "approval-decisions", _text(message), _came(message))


@app.timer_trigger(arg_name="timer", schedule="%GREENLIGHT_SWEEP_SCHEDULE%", run_on_startup=False)
def on_sweep(timer: func.TimerRequest) -> None:
    triggers.sweep(product())


# With an empty route prefix a catch-all would also catch the host's own paths, so each page is named.


@app.route(route="/", methods=METHODS)
def web_dashboard(req: func.HttpRequest) -> func.HttpResponse:
    return _answer(req)


@app.route(route="healthz", methods=METHODS)
def web_health(req: func.HttpRequest) -> func.HttpResponse:
    return _answer(req)


@app.route(route="static/{name}", methods=METHODS)
def web_static(req: func.HttpRequest) -> func.HttpResponse:
    return _answer(req)


@app.route(route="slots/{model}/{env}", methods=METHODS)
def web_slot(req: func.HttpRequest) -> func.HttpResponse:
    return _answer(req)


@app.route(route="promotions/{id}", methods=METHODS)
def web_promotion(req: func.HttpRequest) -> func.HttpResponse:
    return _answer(req)


@app.route(route="review/{token}", methods=METHODS)
def web_review(req: func.HttpRequest) -> func.HttpResponse:
    return _answer(req)


@app.route(route="api/{*rest}", methods=METHODS)
def web_api(req: func.HttpRequest) -> func.HttpResponse:
    return _answer(req)


def _answer(req: func.HttpRequest) -> func.HttpResponse:
    try:
        site = web()
    except Invalid as error:  # settings or greenlight.yaml: said here too, because nothing else can be shown
        logging.getLogger("greenlight").error("%s", error)  # noqa: TRY400 -- the trace says nothing more
        answer = not_running(error, req.url, dict(req.headers))
    else:
        answer = site.handle(req.method, req.url, dict(req.headers), req.get_body())
    return func.HttpResponse(answer.body, status_code=answer.status, headers=dict(answer.headers))


def _text(message: func.QueueMessage) -> str:
    return message.get_body().decode("utf-8", errors="replace")


def _came(message: func.QueueMessage) -> datetime | None:
    """When the storage service put it on the queue; no sender can choose that."""
    at = message.insertion_time
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)


def _payload(event: Any) -> dict[str, Any]:
    """The event as it was delivered: the library hands over either schema under one annotation."""
    if isinstance(event, func.CloudEvent):
        return {
            "id": event.id,
            "source": event.source,
            "type": event.type,
            "time": _time(event.time),
            "data": _data(event),
        }
    fields = {"id": event.id, "topic": event.topic, "subject": event.subject, "eventType": event.event_type}
    return {**fields, "eventTime": _time(event.event_time), "data": _data(event)}


def _data(event: Any) -> Any:
    try:
        return event.get_json()
    except (ValueError, TypeError, AttributeError):
        return None


def _time(at: Any) -> str:
    return at.isoformat() if at is not None else ""
