"""The HTTP side: publish endpoints, subscriptions, what is pending."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from local.eventgrid import events, own, service, subscriptions

if TYPE_CHECKING:
    from starlette.requests import Request

    from local.eventgrid.service import EventGrid

AUDIENCE = "https://eventgrid.azure.net"


class TooLargeError(Exception):
    """More than one publish request may carry."""


def application(grid: EventGrid) -> Starlette:
    """Plain HTTP for the platform's own services; by the topic's host name for publishers, who need a key."""
    web = _Web(grid)
    return Starlette(
        routes=[
            Route("/-/ready", web.ready),
            Route("/api/events", web.publish_by_host, methods=["POST"]),
            Route("/topics/{topic}/api/events", web.publish_by_path, methods=["POST"]),
            Route("/subscriptions", web.subscriptions),
            Route("/subscriptions/{name}", web.subscription, methods=["GET", "PUT", "DELETE"]),
            Route("/deliveries", web.deliveries),
        ]
    )


class _Web:
    def __init__(self, grid: EventGrid) -> None:
        self._grid = grid

    async def ready(self, _request: Request) -> Response:
        return PlainTextResponse("ready")

    async def publish_by_path(self, request: Request) -> Response:
        return await self._publish(request, request.path_params["topic"])

    async def publish_by_host(self, request: Request) -> Response:
        host = request.headers.get("host", "").partition(":")[0].lower()
        if not host.endswith(service.HOST_SUFFIX):
            return _error(404, "NotFound", f"{host} is no topic endpoint (TOPIC{service.HOST_SUFFIX})")
        topic = host.removesuffix(service.HOST_SUFFIX)
        if topic == own.NAME:
            return await self._publish_own(request)
        if not _may_publish(request, topic):
            return _error(401, "Unauthorized", "The request needs the topic's key or a token for Event Grid.")
        return await self._publish(request, topic)

    async def _publish_own(self, request: Request) -> Response:
        try:
            self._grid.check_sender(request.headers)
        except own.NoRightError as error:
            return _error(401, "Unauthorized", str(error))
        return await self._publish(request, own.NAME, request.headers.get("content-type", ""))

    async def _publish(self, request: Request, topic: str, form: str | None = None) -> Response:
        """`form`: the content type that CloudEvents must have come with; None: not looked at."""
        try:
            payload = json.loads(await _body(request))
            if form is not None:
                own.check_form(form, payload)
            self._grid.publish(topic, payload)
        except TooLargeError:
            return _error(
                413, "RequestEntityTooLarge", f"Events and requests have at most {events.MAX_BYTES} bytes."
            )
        except events.InvalidEventError as error:
            return _error(400, "BadRequest", str(error))
        except ValueError:
            return _error(400, "BadRequest", "The request body is not JSON.")
        return Response(status_code=200)

    async def subscriptions(self, _request: Request) -> Response:
        return JSONResponse([_described(s) for s in self._grid.known.all()])

    async def subscription(self, request: Request) -> Response:
        name = request.path_params["name"]
        if request.method == "PUT":
            return await self._put(name, request)
        if request.method == "DELETE":
            return Response(status_code=200 if self._grid.unsubscribe(name) else 204)
        found = self._grid.known.get(name)
        return (
            JSONResponse(_described(found)) if found else _error(404, "NotFound", f"no subscription {name}")
        )

    async def _put(self, name: str, request: Request) -> Response:
        try:
            made = await self._grid.subscribe(name, json.loads(await _body(request)))
        except subscriptions.SubscriptionError as error:
            return _error(400, "InvalidRequest", str(error))
        except (ValueError, TooLargeError):
            return _error(400, "InvalidRequest", "The request body is not JSON.")
        return JSONResponse(_described(made), status_code=201)

    async def deliveries(self, _request: Request) -> Response:
        """What is still owed: for tests, the demo and people."""
        now = time.time()
        return JSONResponse(
            [
                {
                    "subscription": d.subscription,
                    "id": d.event.id,
                    "subject": d.event.subject,
                    "attempts": d.attempts,
                    "lastOutcome": d.outcome,
                    "deadLetterReason": d.reason,
                    "dueIn": round(d.due - now, 3),
                }
                for d in self._grid.store.pending()
            ]
        )


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > events.MAX_BYTES:
            raise TooLargeError
    return bytes(body)


def _may_publish(request: Request, topic: str) -> bool:
    given = request.headers.get("aeg-sas-key")
    if given is not None:
        return hmac.compare_digest(given, service.topic_key(topic))
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and _token_is_for_us(token)


def _token_is_for_us(token: str) -> bool:
    """Audience and lifetime, as Azurite checks its tokens; signatures are not."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["aud"]).rstrip("/") == AUDIENCE and float(claims["exp"]) > time.time()
    except (ValueError, IndexError, KeyError, TypeError):
        return False


def _described(subscription: subscriptions.Subscription) -> dict[str, Any]:
    return {"name": subscription.name, "properties": subscription.properties}


def _error(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)
