"""A small app with one function for each thing that the host does. What ran is written to a file that the
tests read (app setting JOURNAL): one JSON line for each invocation.
"""

import json
import logging
import os
import threading
import time
from pathlib import Path

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
_lock = threading.Lock()


def note(what: str, **facts: object) -> None:
    line = json.dumps({"what": what, **facts}) + "\n"
    with _lock, Path(os.environ["JOURNAL"]).open("a") as file:
        file.write(line)


@app.route(route="/", methods=["GET"])
def root(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("<h1>mine</h1>", mimetype="text/html")


@app.route(route="echo/{name}", methods=["GET", "POST", "HEAD"])
def echo(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    seen = {
        "method": req.method,
        "url": req.url,
        "name": req.route_params["name"],
        "query": dict(req.params),
        "header": req.headers.get("X-Given"),
        "body": req.get_body().decode(),
        "function": context.function_name,
        "thread": threading.current_thread().name,
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json", headers={"X-Own": "yes"})


@app.route(route="echo/latest")
async def latest(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(f"latest on {threading.current_thread().name}", status_code=201)


@app.route(route="items/{id:int}")
def item(req: func.HttpRequest) -> str:
    return f"item {req.route_params['id']}"


@app.route(route="files/{*path}", methods=["GET"])
def files(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.route_params.get("path", ""))


@app.route(route="cookies")
def cookies(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(headers={"Set-Cookie": "a=b%3D; Path=/; HttpOnly; SameSite=Lax"})


@app.route(route="nothing")
def nothing(req: func.HttpRequest):
    return None


@app.route(route="review/{token}")
def review(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("shown")


@app.route(route="broken")
def broken(req: func.HttpRequest) -> func.HttpResponse:
    raise RuntimeError("a deliberate failure")


@app.route(route="keyed", auth_level=func.AuthLevel.FUNCTION)
def keyed(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("opened")


@app.route(route="masters", auth_level=func.AuthLevel.ADMIN)
def masters(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("opened")


@app.route(route="slow/{seconds}")
def slow(req: func.HttpRequest) -> func.HttpResponse:
    note("slow begins")
    time.sleep(float(req.route_params["seconds"]))
    note("slow ends")
    return func.HttpResponse("done")


@app.route(route="send/{queue}", methods=["POST"])
@app.queue_output(arg_name="out", queue_name="jobs", connection="STORE")
def send(req: func.HttpRequest, out: func.Out[str]) -> func.HttpResponse:
    out.set(req.get_body().decode())
    return func.HttpResponse(status_code=202)


@app.event_grid_trigger(arg_name="event")
def on_event(event: func.EventGridEvent) -> None:
    note("event", id=event.id, type=event.event_type, subject=event.subject, data=event.get_json())
    if event.subject == "fail":
        raise ValueError("this event is not liked")


@app.event_grid_trigger(arg_name="event")
async def on_any_event(event: func.CloudEvent) -> None:
    note("cloud event", id=event.id, kind=type(event).__name__)


@app.queue_trigger(arg_name="msg", queue_name="%QUEUE%", connection="STORE")
def on_job(msg: func.QueueMessage) -> None:
    body = msg.get_body().decode()
    note(
        "job begins",
        body=body,
        tries=msg.dequeue_count,
        id=msg.id,
        inserted=str(msg.insertion_time),
        visible=str(msg.time_next_visible),
    )
    if body == "fail":
        raise RuntimeError("this job always fails")
    if body == "die":
        os._exit(9)
    if body.startswith("sleep "):
        time.sleep(float(body.removeprefix("sleep ")))
    note("job ends", body=body)


@app.queue_trigger(arg_name="msg", queue_name="jobs-poison", connection="STORE")
async def on_poison(msg: str) -> None:
    note("poison", body=msg)


@app.timer_trigger(arg_name="timer", schedule="%SCHEDULE%", run_on_startup=True)
def on_timer(timer: func.TimerRequest) -> None:
    logging.info("tick")
    note("tick", past_due=timer.past_due, at=time.time())
    time.sleep(float(os.environ.get("TICK_SECONDS", "0")))
