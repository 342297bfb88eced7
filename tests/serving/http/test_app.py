"""Answers over HTTP: what is asked rightly, and a sentence for everything that is not."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from recbole_ext.serving.http.settings import Limits
from tests.serving.http.made_server import made_app, made_run, made_settings

TOKEN = "0123456789abcdef-token"


class Client:
    """Talks to an application in this process."""

    def __init__(self, app: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._lifespan = loop, app.router.lifespan_context(app)
        loop.run_until_complete(self._lifespan.__aenter__())
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://localhost"
        )

    def ask(self, path: str, content: Any = None, method: str = "", **named: Any) -> httpx.Response:
        if content is not None and not isinstance(content, bytes):
            content = json.dumps(content).encode()
        headers = {**({"content-type": "application/json"} if content is not None else {}), **named}
        method = method or ("GET" if content is None else "POST")
        asked = self._client.request(method, path, content=content, headers=headers)
        return self._loop.run_until_complete(asked)

    def together(self, path: str, contents: list[Any]) -> list[httpx.Response]:
        async def all_of_them() -> list[httpx.Response]:
            return await asyncio.gather(*(self._client.post(path, json=content) for content in contents))

        return self._loop.run_until_complete(all_of_them())

    def close(self) -> None:
        self._loop.run_until_complete(self._client.aclose())
        self._loop.run_until_complete(self._lifespan.__aexit__(None, None, None))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    loop, clients = asyncio.new_event_loop(), list[Client]()

    def started(model: str = "SS4Rec", seconds: float = 0.0, **given: Any) -> Client:
        run = made_run(tmp_path / f"{model}-run", "w1", model, seconds)
        clients.append(Client(made_app(made_settings(run, **given)), loop))
        return clients[-1]

    yield started
    for client in clients:
        client.close()
    loop.close()


def event(user: str, item: str, time: int | None = 1, event_id: str | None = None) -> dict[str, Any]:
    return {"user": user, "item": item, "time": time, "id": event_id}


def test_events_change_what_is_recommended(start: Any) -> None:
    client = start()
    assert client.ask("/v1/recommend", {"user": "u"}).status_code == 422
    sent = client.ask("/v1/events", [event("u", "i7", 1, "a"), event("u", "i9", 2), event("u", "lost", 3)])
    assert sent.json() == {"results": ["applied", "applied", "unknown_item"], "errors": {}, "durable": False}
    assert client.ask("/v1/events", event("u", "i7", 1, "a")).json()["results"] == ["duplicate"]
    found = client.ask("/v1/recommend", {"user": "u", "k": 3}).json()
    assert found["items"] == ["i9", "i7", "i0"] and len(found["scores"]) == 3 and found["run"] == "SS4Rec-run"
    asked = {"history": [{"item": "i3", "time": 5}], "k": 2, "at": 9, "deny": ["i0"], "exclude_seen": False}
    assert client.ask("/v1/recommend", asked).json()["items"] == ["i3", "i1"]
    assert client.ask("/v1/recommend", {**asked, "allow": ["i4"]}).json()["items"] == ["i4"]


def test_the_server_describes_itself(start: Any) -> None:
    client = start()
    assert client.ask("/healthz").json() == {"status": "ok"}
    assert client.ask("/readyz").json() == {"status": "ready", "run": "SS4Rec-run"}
    facts = client.ask("/v1/model").json()
    assert facts["weights_sha256"] == "w1" and facts["protocol"] == {"preset": "made"}
    assert facts["answers"] == ["/v1/recommend"] and facts["task"] == "ranking"
    client.ask("/v1/events", [event("u", "i1"), event("v", "i1")])
    client.ask("/elsewhere/" + "x" * 50)
    text = client.ask("/metrics").text
    for line in (
        'recbole_ext_requests_total{path="/healthz",status="200"} 1.0',
        'recbole_ext_requests_total{path="other",status="404"} 1.0',
        'recbole_ext_events_total{result="applied"} 2.0',
        'recbole_ext_request_seconds_count{path="/v1/events"} 1.0',
        "recbole_ext_state_users 2.0",
        "recbole_ext_in_flight 1.0",
    ):
        assert line in text
    description = client.ask("/openapi.json").json()
    assert set(description["paths"]) >= {"/v1/recommend", "/v1/events", "/v1/rate", "/v1/click", "/v1/model"}
    page = client.ask("/docs").text
    assert "POST /v1/recommend" in page and "http://" not in page and "https://" not in page and "<script" not in page


WRONG: list[tuple[str, Any, int, str]] = [
    ("/v1/recommend", b"{", 400, "the body is not JSON: Expecting property name enclosed in double quotes at char"),
    ("/v1/recommend", b"", 422, "the body is missing; send JSON with Content-Type: application/json"),
    ("/v1/recommend", b"\xff\xfe{", 400, "the body is not JSON in UTF-8"),
    ("/v1/recommend", b'{"user": "\xff"}', 400, "the body is not JSON in UTF-8"),
    ("/v1/recommend", b"[" * 100_000, 400, "the body is not JSON"),
    ("/v1/recommend", b'{"k": ' + b"9" * 5000 + b"}", 400, "the body is not JSON in UTF-8"),
    ("/v1/recommend", b"[]", 422, "the body must be a JSON object, sent with Content-Type: application/json"),
    ("/v1/recommend", b"null", 422, "the body must be a JSON object"),
    ("/v1/recommend", {}, 422, "give a user, a history, or both"),
    ("/v1/recommend", {"user": "u", "k": "10"}, 422, "k: input should be a valid integer (got '10')"),
    ("/v1/recommend", {"user": "u", "k": 1.5}, 422, "k: input should be a valid integer"),
    ("/v1/recommend", {"user": "u", "k": True}, 422, "k: input should be a valid integer (got True)"),
    ("/v1/recommend", {"user": "u", "k": 0}, 422, "k: input should be greater than or equal to 1 (got 0)"),
    ("/v1/recommend", {"user": "u", "k": 1001}, 422, "k: at most 1,000 items are answered by this server (got 1001)"),
    ("/v1/recommend", b'{"user": "u", "at": NaN}', 422, "at: input should be a valid integer (got nan)"),
    ("/v1/recommend", b'{"user": "u", "at": Infinity}', 422, "at: input should be a valid integer"),
    ("/v1/recommend", b'{"user": "u", "at": 1e400}', 422, "at: input should be a valid integer"),
    ("/v1/recommend", {"user": "u", "at": 2**70}, 422, "at: input should be less than or equal to"),
    ("/v1/recommend", {"user": 7}, 422, "user: input should be a valid string (got 7)"),
    ("/v1/recommend", {"user": ""}, 422, "user: string should have at least 1 character (got '')"),
    ("/v1/recommend", {"user": "x" * 300}, 422, "user: string should have at most 256 characters"),
    ("/v1/recommend", b'{"user": "\\ud800"}', 422, "user: "),
    ("/v1/recommend", {"user": "a\nb"}, 422, "user: must be text without control characters and lone surrogates"),
    ("/v1/recommend", {"user": "u", "K": 3}, 422, "K is no field of this request"),
    ("/v1/recommend", {"user": "u", "history": ["i1"]}, 422, "history.0 must be an object (got 'i1')"),
    ("/v1/recommend", {"user": "u", "history": [{"time": 3}]}, 422, "history.0.item is missing"),
    ("/v1/recommend", {"history": [{"item": "i1"}] * 1001}, 422, "history: at most 1,000 are taken"),
    ("/v1/recommend", {"user": "u", "allow": ["i"] * 10_001}, 422, "allow: at most 10,000 are taken"),
    ("/v1/recommend", {"user": "u", "deny": "i1"}, 422, "deny: input should be a valid list (got 'i1')"),
    ("/v1/recommend", {"user": "nobody"}, 422, "user 'nobody' is not known; send a history"),
    ("/v1/recommend", {"user": "nobody", "k": 51}, 422, "k must be at most 50, the number of items (got 51)"),
    ("/v1/events", {"user": "u", "item": "i1"}, 422, "this model reads times; send the time of the event"),
    ("/v1/events", [{"user": "u"}], 422, "0.item is missing"),
    ("/v1/events", {**event("u", "i1"), "values": {"act": "buy"}}, 422, "this model does not read act"),
    ("/v1/events", {**event("u", "i1"), "values": {"act": [1]}}, 422, "values.act: must be a text of 1 to 256"),
    ("/v1/events", {**event("u", "i1"), "values": {"act": True}}, 422, "a finite number or null (got True)"),
    ("/v1/events", {**event("u", "i1"), "values": {"act": "a\n"}}, 422, "values.act: must be a text of 1 to 256"),
    ("/v1/events", {**event("u", "i1"), "values": {"act": 10**400}}, 422, "values.act: must be a text of 1 to 256"),
    ("/v1/recommend", {"history": [{"item": "i1", "values": {"act": 1}}]}, 422, "this model does not read act"),
    ("/v1/events", [[]], 422, "0 must be an object (got list)"),
    ("/v1/events", b"7", 422, "the body must be a JSON object"),
    ("/v1/events", [event("u", "i1")] * 1001, 422, "events: at most 1,000 are taken with a request (got 1,001)"),
    ("/v1/rate", {"pairs": [{"user": "u", "item": "i"}]}, 409, "SS4Rec is a model of ranking and answers /v1/re"),
    ("/v1/click", {"rows": [{"user": "u", "item": "i", "time": 1}]}, 409, "/v1/click is for models of clicks"),
    ("/v1/recommend", b"{" + b" " * 300_000 + b"}", 413, "the body is larger than 262,144 bytes"),
    ("/v1/reccommend", {"user": "u"}, 404, "there is nothing at this path; GET /openapi.json describes what there is"),
    ("/healthz", {}, 405, "POST is not answered here; allowed: GET"),
]


def test_each_wrong_request_gets_a_sentence(start: Any) -> None:
    client = start()
    for path, content, status, sentence in WRONG:
        answer = client.ask(path, content)
        assert (answer.status_code, list(answer.json())) == (status, ["error"]), (path, content, answer.text)
        assert sentence in answer.json()["error"], (content, answer.text)
        assert "\n" not in answer.json()["error"] and "Traceback" not in answer.text and len(answer.text) < 400
    assert client.ask("/v1/recommend").status_code == 405
    plain = client.ask("/v1/recommend", b'{"user": "u"}', **{"content-type": "text/plain"})
    assert plain.status_code == 422 and "application/json" in plain.json()["error"]


def test_other_models_say_what_they_answer(start: Any) -> None:
    client = start("HybridVAE")
    for path, content in (("/v1/recommend", {"user": "u"}), ("/v1/events", event("u", "i1"))):
        answer = client.ask(path, content)
        assert answer.status_code == 409
        assert answer.json()["error"].startswith("HybridVAE is a model of ratings and answers /v1/rate; /v1/recommend")


def test_several_workers_take_no_events(start: Any) -> None:
    answer = start(workers=2).ask("/v1/events", event("u", "i1"))
    assert answer.status_code == 409 and "this server has 2 processes with a memory each" in answer.json()["error"]


def test_a_token_is_needed_where_one_is_set(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECBOLE_EXT_TOKEN", TOKEN)
    client = start()
    assert client.ask("/healthz").status_code == client.ask("/readyz").status_code == 200
    for path in ("/v1/model", "/metrics", "/docs", "/openapi.json", "/nowhere"):
        for sent in ({}, {"authorization": "Bearer " + TOKEN[:-1]}, {"authorization": f"Basic {TOKEN}"}):
            answer = client.ask(path, **sent)
            assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
            assert answer.json() == {"error": "a token is needed: send the header Authorization: Bearer TOKEN"}
        assert client.ask(path, authorization=f"bearer {TOKEN}").status_code in (200, 404)


def test_without_a_token_web_pages_of_other_names_are_refused(start: Any) -> None:
    client = start()
    for host in ("localhost:8000", "127.0.0.1", "[::1]:8000", "127.3.2.1:80"):
        assert client.ask("/v1/model", host=host).status_code == 200
    for host in ("attacker.example", "attacker.example:8000", "localhost.attacker.example", ""):
        answer = client.ask("/v1/model", host=host)
        assert answer.status_code == 403 and "localhost, 127.0.0.1 and [::1] alone" in answer.json()["error"]


def test_too_many_requests_at_once_are_refused(start: Any) -> None:
    client = start(seconds=0.02, limits=Limits(in_flight=3))
    client.ask("/v1/events", event("u", "i1"))
    answers = client.together("/v1/recommend", [{"user": "u"}] * 10)
    busy = [answer for answer in answers if answer.status_code == 503]
    assert len(busy) == 7 and all(answer.headers["retry-after"] == "1" for answer in busy)
    assert busy[0].json() == {"error": "3 requests are being answered, the limit of this server"}
    assert client.ask("/v1/recommend", {"user": "u"}).status_code == 200


def test_a_request_whose_time_is_over_is_given_up(start: Any) -> None:
    client = start(seconds=0.3, limits=Limits(seconds=0.2))
    answers = client.together("/v1/recommend", [{"history": []}] * 3)
    assert sorted(answer.status_code for answer in answers) == [200, 503, 503]
    late = next(answer for answer in answers if answer.status_code == 503)
    assert late.json() == {"error": "the answer took longer than 0.2 s"} and late.headers["retry-after"] == "1"


def test_a_bug_is_no_traceback(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client = start()
    monkeypatch.setattr("tests.serving.http.made_server.MadeEngine.recommend", lambda *_: 1 / 0)
    answer = client.ask("/v1/recommend", {"user": "u"})
    assert answer.status_code == 500 and answer.json()["error"].startswith("internal error (a bug in recbole_ext)")


def test_events_of_a_list_that_cannot_be_used_are_named(start: Any) -> None:
    answer = start().ask("/v1/events", [event("u", "i1"), event("u", "i2", None), event("u", "i3")]).json()
    assert answer["results"] == ["applied", "refused", "applied"]
    assert answer["errors"] == {"1": "this model reads times; send the time of the event"}


def test_logs_name_neither_users_nor_tokens(
    start: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECBOLE_EXT_TOKEN", TOKEN)
    sent = {"authorization": f"Bearer {TOKEN}"}
    with caplog.at_level("INFO", "recbole_ext.serve.access"):
        start().ask("/v1/events?user=private-user", event("private-user", "i1"), **sent)
        start().ask("/private-path", **sent)
    assert "private" not in caplog.text and TOKEN not in caplog.text and "POST /v1/events 200" in caplog.text
    with caplog.at_level("INFO", "recbole_ext.serve.access"):
        start(log_requests=True).ask("/v1/events", {**event("private-user", "i1"), "id": TOKEN}, **sent)
    assert "private-user" in caplog.text and TOKEN not in caplog.text


def test_limits_are_checked() -> None:
    from recbole_ext.errors import UsageError

    for wrong in ({"k": 0}, {"body": True}, {"seconds": float("nan")}, {"in_flight": 1.5}):
        with pytest.raises(UsageError, match="must be a"):
            Limits(**wrong)
    settings = made_settings(Path("run"))
    for given in ({"port": 70000}, {"workers": 0}, {"snapshot_events": 0}, {"keep_days": -1}):
        with pytest.raises(UsageError, match=r"--[a-z-]+ must be a"):
            replace(settings, **given)
    with pytest.raises(UsageError, match="--workers=2 processes have a memory each and take no events"):
        replace(settings, workers=2, state_dir=Path("state"))
