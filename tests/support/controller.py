"""A Jenkins controller on loopback, as far as the tool speaks to one: accounts, crumbs, folders, builds, artifacts.

It is what the tool was tested against; no live controller is. It behaves as Jenkins core does: a crumb is good for the
session that it was given to, a path is decoded once, what is not seen is not found, an error is a whole HTML page.
"""

import base64
import contextlib
import json
import secrets
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote

import trustme

USER, TOKEN = "scan-bot@example.com", "11canary0fa1b2c3d4e5f60718293a4b5c"
VERSION = "2.528.3"
HTML = "text/html;charset=utf-8"
NO_CRUMB = "<html><head><title>Error 403</title></head><body>No valid crumb was included in the request</body></html>"


@dataclass
class Build:
    """One build of a job."""

    artifacts: dict[str, bytes] = field(default_factory=dict)
    description: str | None = None


@dataclass
class Answer:
    """What one path answers in place of Jenkins."""

    status: int = 200
    body: bytes = b"{}"
    content_type: str = "application/json;charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    """The length that it tells, where that is not the body's."""


class FakeController(ThreadingHTTPServer):
    """The controller; its root is `/jenkins/`, as behind many a proxy."""

    daemon_threads = True
    request_queue_size = 16

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"http{'' if context is None else 's'}://127.0.0.1:{self.server_address[1]}/jenkins/"
        self.jobs: dict[str, dict[int, Build]] = {}
        """By full name as Jenkins has it, so with a branch's `%2F`; the last build is the last successful one."""
        self.may_update = True
        self.issues_crumbs = True
        self.answers: dict[str, Answer | Callable[[Any], None]] = {}
        """By path below the root, in front of everything else."""
        self.asked: list[tuple[str, str]] = []
        """Method and raw path of each request."""
        self.headers: list[dict[str, str]] = []
        self.crumbs: dict[str, str] = {}
        self.closing = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what some tests are about."""

    def page(self, job: str, number: int) -> str:
        """The `BUILD_URL` of a build."""
        return f"{self.url}{'/'.join('job/' + part.replace('%', '%25') for part in job.split('/'))}/{number}/"

    def environ(self, job: str, number: int = 9, **changes: str) -> dict[str, str]:
        """What a step of this build finds in its environment."""
        return {
            "JENKINS_URL": self.url,
            "BUILD_URL": self.page(job, number),
            "JOB_NAME": job,
            "BUILD_NUMBER": str(number),
            "JENKINS_USER_ID": USER,
            "JENKINS_API_TOKEN": TOKEN,
            **changes,
        }


class _Handler(BaseHTTPRequestHandler):
    server: FakeController

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *args: object) -> None:
        pass

    def _serve(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["content-length"] or 0)).decode())
        self.server.asked.append((self.command, self.path))
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        path = self.path.partition("?")[0].removeprefix("/jenkins/")
        canned = self.server.answers.get(path)
        if callable(canned):
            canned(self)
        else:
            self.reply(canned or self._answer(path, form))

    def reply(self, answer: Answer) -> None:
        self.send_response(answer.status)
        headers = {"X-Jenkins": VERSION, "Content-Type": answer.content_type, **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body) if answer.length is None else answer.length))
        self.end_headers()
        self.wfile.write(answer.body)

    def _answer(self, path: str, form: dict[str, list[str]]) -> Answer:
        given = self.headers.get("authorization", "")
        if given != "Basic " + base64.b64encode(f"{USER}:{TOKEN}".encode()).decode():
            status = 401 if given else 403
            return error(status, "Authentication required" if status == 403 else "Invalid password/token")
        if self.command == "POST" and not self._has_crumb():
            return Answer(403, NO_CRUMB.encode(), HTML)
        if path == "crumbIssuer/api/json":
            return self._crumb()
        if path == "me/api/json":
            return as_json({"id": USER, "fullName": "Scan Bot"})
        return self._of_job([unquote(part) for part in path.split("/")], form)

    def _crumb(self) -> Answer:
        if not self.server.issues_crumbs:
            return error(404, "Not Found")
        session, crumb = secrets.token_hex(8), secrets.token_hex(32)
        self.server.crumbs[session] = crumb
        answer = as_json({"crumb": crumb, "crumbRequestField": "Jenkins-Crumb"})
        answer.headers["Set-Cookie"] = f"JSESSIONID.1={session}; Path=/jenkins; HttpOnly"
        return answer

    def _has_crumb(self) -> bool:
        if not self.server.issues_crumbs:
            return True
        session = SimpleCookie(self.headers.get("cookie", "")).get("JSESSIONID.1")
        crumb = None if session is None else self.server.crumbs.get(session.value)
        return crumb is not None and self.headers.get("Jenkins-Crumb") == crumb

    def _of_job(self, parts: list[str], form: dict[str, list[str]]) -> Answer:
        names = []
        while parts[:1] == ["job"] and len(parts) > 1:
            names.append(parts[1])
            parts = parts[2:]
        job = self.server.jobs.get("/".join(names))
        if job is None:
            return error(404, "Not Found")
        if parts == ["api", "json"]:
            last = max(job, default=None)
            return as_json({"name": names[-1], "lastSuccessfulBuild": last and {"_class": "Run", "number": last}})
        build = job.get(int(parts[0])) if parts and parts[0].isdecimal() else None
        return error(404, "Not Found") if build is None else self._of_build(build, parts[1:], form)

    def _of_build(self, build: Build, parts: list[str], form: dict[str, list[str]]) -> Answer:
        if parts == ["api", "json"]:
            return as_json(
                {"artifacts": [{"fileName": path.rpartition("/")[2], "relativePath": path} for path in build.artifacts]}
            )
        if parts[:1] == ["artifact"] and "/".join(parts[1:]) in build.artifacts:
            return Answer(body=build.artifacts["/".join(parts[1:])], content_type="application/json")
        if parts == ["submitDescription"] and self.command == "POST":
            if not self.server.may_update:
                return error(403, "scan-bot is missing the Run/Update permission")
            (build.description,) = form["description"]
            own = f"{self.server.url.partition('/jenkins/')[0]}{self.path}"
            return Answer(302, b"", HTML, {"Location": own.removesuffix("submitDescription")})
        return error(404, "Not Found")


def as_json(value: object) -> Answer:
    """A page of Jenkins' own interface."""
    return Answer(body=json.dumps(value).encode())


def error(status: int, text: str) -> Answer:
    """An error as Jenkins shows it: a whole page."""
    page = f"<html><head><style>p {{ color: red }}</style></head><body><h2>HTTP ERROR {status}</h2><p>{text}</p></body>"
    return Answer(status, (page + "<!-- " + "x" * 5000 + " -->").encode(), HTML)


def redirect(target: str, status: int = 302) -> Answer:
    """A redirect."""
    return Answer(status, b"", HTML, {"Location": target})


def silent(handler: Any) -> None:
    """Says nothing until the server is closed."""
    handler.server.closing.wait(10)


def dripping(handler: Any) -> None:
    """An answer that comes byte by byte, and never ends."""
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n")
    with contextlib.suppress(OSError):
        while not handler.server.closing.wait(0.01):
            handler.wfile.write(b" ")


@contextlib.contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[FakeController]:
    """A controller that answers as long as the block lasts."""
    controller = FakeController(context)
    thread = threading.Thread(target=controller.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield controller
    finally:
        controller.closing.set()
        controller.shutdown()
        thread.join()
        controller.server_close()


def certified(authority: trustme.CA) -> ssl.SSLContext:
    """The TLS side of a controller whose certificate this authority signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context
