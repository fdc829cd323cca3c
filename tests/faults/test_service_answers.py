"""Answers of the service, or of something before it, that are cut, packed, HTML, or meant for somebody else."""

import html
import json
import resource
from dataclasses import dataclass

import pytest

from jenkins_scan.sandbox.conditions import ListedFinding
from jenkins_scan.sandbox.scenarios import SCENARIOS, Scenario
from jenkins_scan.security_center.client import CREATE
from tests.faults import spoilt
from tests.faults.bed import kept
from tests.faults.faulty_service import EVERY, INSTANCES, LIST, POLLS, QUOTA, RECORDS, FaultyService, Spoil, scanned
from tests.support.canaries import TOKEN
from tests.support.center import Canned
from tests.support.loopback_servers import loopback_servers

GROUP = "The service: answers"
NOTHING, MAYBE, TASK = "nothing was opened", "that a task may exist", "the task's id"
SLOW = pytest.mark.slow
READS = (QUOTA, INSTANCES, LIST)
CREATED = {"Data": {"TaskId": "0" * 32, "Uuid": "u", "ImageScanCapacity": 100}, "RequestId": "R"}
LEFT = {"ImageScan": {"ScanCount": 1, "ImageScanCapacity": 100}, "RequestId": "R"}
ONE_CVE = Scenario(
    name="one", finding=(ListedFinding(kind="cve", id="CVE-2024-0001", severity="asap", package="libexample"),)
)
GIBIBYTE = 2**30


@dataclass(frozen=True)
class Case:
    """A fault of one operation and what it ends in."""

    fault: str
    spoil: Spoil
    code: int = 0
    kept: str = TASK
    tasks: int = 1
    arguments: tuple[str, ...] = ()
    scenario: Scenario = SCENARIOS["clean"]

    def __str__(self) -> str:
        return self.fault


def create(fault, how, *, code=15, kept=MAYBE, tasks=1):
    return Case(f"at the create, {fault}", Spoil(CREATE, how, EVERY), code, kept, tasks)


def fine(fault, how):
    """The create's answer is odd, and yet says all that counts."""
    return create(fault, how, code=0, kept=TASK)


def instead(fault, how):
    """Something before the service answers the create, and the service never hears of it."""
    return create(fault, how, kept=NOTHING, tasks=0)


def once(fault, how, *operations):
    """A read is asked again, and the image passes."""
    words = {QUOTA: "quota", INSTANCES: "first poll", LIST: "list of findings"}
    return [Case(f"at the {words[each]}, {fault}, once", Spoil(each, how)) for each in operations]


def slow(*cases):
    return [pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=SLOW) for case in cases]


def json_of(body):
    return json.dumps(body).encode()


def empty_list(body):
    return body | {"TotalCount": 0, "PageInfo": {"TotalCount": 0, "Count": 0}, "VulRecords": []}


CASES = [
    create("JSON is cut in the middle", spoilt.cut(0.5)),
    *slow(create("the body is empty", spoilt.cut(0))),
    create("the Content-Length is 100 bytes too long", spoilt.of_length(100)),
    create("the Content-Length is 20 bytes too short", spoilt.of_length(-20)),
    create("the answer is a gzip bomb of 4 GiB", spoilt.packed(spoilt.BOMB)),
    *slow(create("the answer says gzip and is not", spoilt.with_headers(content_encoding="gzip"))),
    fine("the answer is packed by gzip", spoilt.packed()),
    create("the answer has no end", spoilt.endless_body),
    create("a header has no end", spoilt.endless_header),
    *slow(create("the headers have no end", spoilt.endless_headers)),
    create("the answer is no HTTP", spoilt.no_http),
    create("the answer is NUL bytes", spoilt.afterwards(200, bytes(200), "application/json")),
    create("a header holds NUL bytes", spoilt.with_headers(x_strange="a\0b")),
    create("the answer is HTML with status 200", spoilt.afterwards(200)),
    *slow(create("the answer is a JSON list", spoilt.afterwards(200, b"[]", "application/json"))),
    create("the answer has no TaskId", spoilt.saying(lambda body: body | {"Data": {}})),
    *slow(create("the TaskId is NUL bytes", spoilt.saying(lambda body: body | {"Data": {"TaskId": "\0" * 32}}))),
    create("the answer is empty (204)", spoilt.afterwards(204, b"")),
    create('the answer is "not modified" (304)', spoilt.afterwards(304, b"")),
    *slow(create("the answer points to a result elsewhere (303)", spoilt.afterwards(303, b"", location="/result"))),
    create("the answer is the quota's", spoilt.afterwards(200, json_of(LEFT), "application/json")),
    create("a 502 of a proxy comes, the service has done it", spoilt.afterwards(502)),
    *slow(create("a 503 of a proxy comes, the service has done it", spoilt.afterwards(503))),
    *slow(create("a 504 of a proxy comes, the service has done it", spoilt.afterwards(504))),
    create("a 502 of a proxy comes, the service never heard of it", spoilt.instead(502), tasks=0),
    instead("a 403 of a proxy comes", spoilt.instead(403)),
    *slow(instead("a 404 of a proxy comes", spoilt.instead(404))),
    *slow(instead("a proxy says 429 each time", spoilt.instead(429))),
    Case("at the create, a proxy says 429, once", Spoil(CREATE, spoilt.instead(429, retry_after="1"))),
    *slow(
        fine(
            "the content type is text/html, and it is JSON all the same", spoilt.with_headers(content_type="text/html")
        )
    ),
    fine("the answer comes twice on one connection", spoilt.twice),
    fine("the answer is HTTP/1.0", spoilt.old_protocol),
    fine('"100 Continue" and "103 Early Hints" come first', spoilt.after_100),
    *slow(create('nothing but "100 Continue" comes', spoilt.nothing_but_100)),
    *slow(
        fine("the RequestId is another one's", spoilt.saying(lambda body: body | {"RequestId": "of-another-request"}))
    ),
    create(
        "a byte order mark comes first",
        spoilt.changed(
            lambda whole: whole.replace(b"\r\n\r\n{", b"\r\n\r\n\xef\xbb\xbf{").replace(b"content-length: ", b"x: ")
        ),
    ),
    # On a connection that is kept, the next request would get the second answer: the create the quota's.
    *once("the answer comes twice on one connection", spoilt.twice, QUOTA),
    *once("JSON is cut in the middle", spoilt.cut(0.5), QUOTA),
    *slow(*once("JSON is cut in the middle", spoilt.cut(0.5), INSTANCES, LIST)),
    *slow(*once("the Content-Length is 100 bytes too long", spoilt.of_length(100), *READS)),
    *slow(*once("the Content-Length is 20 bytes too short", spoilt.of_length(-20), *READS)),
    *slow(*once("the answer is a gzip bomb of 4 GiB", spoilt.packed(spoilt.BOMB), *READS)),
    *slow(*once("a header has no end", spoilt.endless_header, *READS)),
    *slow(*once("the answer is NUL bytes", spoilt.instead(200, bytes(200), "application/json"), *READS)),
    *slow(*once("a proxy says 429", spoilt.instead(429), *READS)),
    *slow(*once("a 502 of a proxy comes", spoilt.instead(502), *READS)),
    *once("a 503 of a proxy comes", spoilt.instead(503), LIST),
    *slow(*once("a 504 of a proxy comes", spoilt.instead(504), *READS)),
    *slow(*once("the answer is empty (204)", spoilt.instead(204, b""), *READS)),
    Case(
        "at the quota, the answer is the create's",
        Spoil(QUOTA, spoilt.instead(200, json_of(CREATED), "application/json"), EVERY),
        15,
        NOTHING,
        0,
    ),
    Case(
        'at the quota, the answer is "not modified" (304)',
        Spoil(QUOTA, spoilt.instead(304, b""), EVERY),
        15,
        NOTHING,
        0,
    ),
    Case("at the quota, a 404 of a proxy comes", Spoil(QUOTA, spoilt.instead(404), EVERY), 15, NOTHING, 0),
    *slow(
        Case("at the quota, a 502 of a proxy comes each time", Spoil(QUOTA, spoilt.instead(502), EVERY), 15, NOTHING, 0)
    ),
    *slow(
        Case("at the list of findings, a 502 of a proxy comes each time", Spoil(LIST, spoilt.instead(502), EVERY), 15)
    ),
    Case(
        "at the list of findings, the answer is the quota's",
        Spoil(LIST, spoilt.instead(200, json_of(LEFT), "application/json"), EVERY),
        15,
    ),
    Case(
        "at the list of findings, an empty one of another image comes",
        Spoil(LIST, spoilt.saying(empty_list), EVERY),
        17,
        scenario=ONE_CVE,
    ),
    *slow(
        Case(
            "at the list of findings, JSON is cut in the middle, once, and there is a high finding",
            Spoil(LIST, spoilt.cut(0.5)),
            10,
            scenario=ONE_CVE,
        )
    ),
    Case("at the first poll, the rows are of other tasks", Spoil((INSTANCES, RECORDS), spoilt.another_task)),
    Case(
        "at every poll, the rows are of other tasks, which have ended",
        Spoil(POLLS, spoilt.another_task, EVERY),
        16,
        arguments=("--timeout", "4s"),
    ),
    Case(
        "at every poll, the answer is the quota's",
        Spoil(POLLS, spoilt.instead(200, json_of(LEFT), "application/json"), EVERY),
        15,
        arguments=("--timeout", "4s"),
    ),
    *slow(
        Case(
            "at every poll, a 502 of a proxy comes",
            Spoil(POLLS, spoilt.instead(502), EVERY),
            15,
            arguments=("--timeout", "4s"),
        )
    ),
]


def bounded():
    """No more memory than a small agent has: a bomb that is unfolded would end the tool."""
    resource.setrlimit(resource.RLIMIT_AS, (GIBIBYTE, GIBIBYTE))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_answer_that_is_spoilt_ends_as_the_contract_says(case, tmp_path, note):
    with FaultyService([case.spoil], case.scenario) as service:
        done = scanned(service, tmp_path, *case.arguments, preexec_fn=bounded)
        opened, creates = service.opened, service.asked(CREATE)
    note(case.fault, done, opened)
    assert (done.code, len(opened), kept(done, opened)) == (case.code, case.tasks, case.kept), done.said[-3000:]
    assert creates <= 1 or " 429" in case.fault


@pytest.mark.parametrize(
    ("operation", "at", "status"),
    [
        (CREATE, "create", 307),
        (QUOTA, "quota", 302),
        *slow((CREATE, "create", 301), (CREATE, "create", 302), (CREATE, "create", 308), (QUOTA, "quota", 307)),
        *slow((LIST, "list of findings", 302), (LIST, "list of findings", 307)),
    ],
)
def test_a_redirect_is_not_followed(status, operation, at, tmp_path, note):
    with loopback_servers() as start:
        elsewhere = start(Canned(200, json_of(CREATED)))
        moved = spoilt.instead(status, b"", location=f"{elsewhere.url}/?to=elsewhere")
        with FaultyService([Spoil(operation, moved, EVERY)]) as service:
            done = scanned(service, tmp_path)
            opened = service.opened
        assert elsewhere.requests == []
    note(f"at the {at}, a redirect to another host ({status})", done, opened)
    assert (done.code, len(opened)) == (15, operation == LIST), done.said[-3000:]
    assert kept(done, opened) == (TASK if operation == LIST else NOTHING)


def test_the_answer_names_the_task_of_another_request(tmp_path, note):
    another = "a" * 32

    def mixed_up(body):
        return body | {"Data": body["Data"] | {"TaskId": another}}

    with FaultyService([Spoil(CREATE, spoilt.saying(mixed_up))]) as service:
        done = scanned(service, tmp_path)
        assert len(service.opened) == 1
    # Which id is ours nobody can tell; that our image was scanned after the submit is shown by its own row.
    note("at the create, the TaskId is another one's", done, [another])
    assert (done.code, kept(done, [another])) == (0, TASK), done.said[-3000:]


def headers_of(asked):
    """Those with secrets come first: an error shows the beginning of a page alone."""
    secret = {name: asked.headers[name] for name in ("x-acs-security-token", "authorization")}
    return "\n".join(f"{name}: {value}" for name, value in (secret | dict(asked.headers)).items())


def form_of(asked):
    """A field a line, the token first."""
    return "\n".join(sorted(asked.body.decode().split("&"), key=lambda field: not field.startswith("Token=")))


def page(status, show):
    """The service has done it, and a proxy shows in HTML what was asked."""
    return spoilt.echoed(lambda asked: spoilt.afterwards(status, f"<pre>{show(asked)}</pre>".encode()))


def refused(show, request_id="R"):
    """The service refuses, and its message is what was asked."""

    def answer(asked):
        body = {"RequestId": request_id, "Code": "InvalidParameter", "Message": show(asked)}
        return spoilt.instead(400, json_of(body), "application/json")

    return spoilt.echoed(answer)


ECHOES = [
    create("the message of a 400 is our headers", refused(headers_of), kept=NOTHING, tasks=0),
    create("the message of a 400 is our form", refused(form_of), kept=NOTHING, tasks=0),
    create("a 502 of a proxy shows our headers", page(502, headers_of)),
    create("a 502 of a proxy shows our form", page(502, form_of)),
    create("a 502 of a proxy shows the token, escaped", page(502, lambda _: html.escape(TOKEN))),
    create("HTML with status 200 shows our headers", page(200, headers_of)),
    create("HTML with status 200 shows our form", page(200, form_of)),
    create("a 400 has the token as its RequestId", refused(lambda _: "no", TOKEN), kept=NOTHING, tasks=0),
    fine("the RequestId is the token", spoilt.saying(lambda body: body | {"RequestId": TOKEN})),
]


@pytest.mark.parametrize("case", ECHOES, ids=str)
def test_secrets_that_come_back_in_an_answer_are_shown_nowhere(case, tmp_path, note):
    with FaultyService([case.spoil], case.scenario) as service:
        done = scanned(service, tmp_path)
        opened = service.opened
    note(case.fault, done, opened)
    assert (done.code, len(opened), kept(done, opened)) == (case.code, case.tasks, case.kept), done.said[-3000:]
    # What came back is within what is shown: without the redaction it would be there.
    assert "****" in json.dumps(done.result)
