"""Canary secrets against a service that sends back everything it got, in every form it can think of."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote

import pytest

CANARIES = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "canary-key-id-0001",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "canary/secret+with=odd%signs",
    "ALIBABA_CLOUD_SECURITY_TOKEN": "canary-sts-token-0001",
    "JENKINS_SCAN_TOKEN": 'canary"token\\0001/+',
}


class Echo(BaseHTTPRequestHandler):
    """Refuses each request with an error that quotes it; the quota alone is granted where the test says so."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"] or 0)).decode()
        self.server.seen.append((self.path, body))
        token = parse_qs(body).get("Token", [""])[0]
        forms = [token, quote(token, safe=""), json.dumps(token), base64.b64encode(f"x{token}y".encode()).decode()]
        said = f"{body} {forms} {dict(self.headers)} {CANARIES}"
        answer = {"Code": "Strange.Refusal", "Message": said, "RequestId": token or "R"}
        if self.headers["x-acs-action"] == "DescribeImageScanAuthCount":
            answer = {"RequestId": said, "ImageScan": {"ImageScanCapacity": 9, "ScanCount": 0}}
        content = said.encode() if self.server.as_page else json.dumps(answer).encode()
        self.send_response(400 if "Code" in answer else 200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_CONNECT(self):
        said = f"407 no: {self.headers['proxy-authorization']} CanaryPr0xy77 C@naryPr/0xy77 CanaryT0ken77"
        self.wfile.write(f"HTTP/1.1 {said}\r\ncontent-length: 0\r\n\r\n".encode())

    def log_message(self, *args):
        pass


@pytest.fixture
def echo():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.seen, server.as_page = [], False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("min_quota", ["1", "0"])
@pytest.mark.parametrize("as_page", [False, True])
def test_what_is_echoed_back_shows_no_secret(cli, archive, echo, as_page, min_quota):
    echo.as_page = as_page
    run = cli(
        *("-vv", "scan", archive, "--endpoint", f"http://127.0.0.1:{echo.server_address[1]}", "-o", "table"),
        *("--min-quota", min_quota),
        env=CANARIES,
    )
    assert run.code == 15
    assert echo.seen
    written = "".join(path.read_text() for path in run.folder.rglob("*.*"))
    for text in (run.out, run.err, written):
        assert "canary" not in text
        assert base64.b64encode(b"canary")[:7].decode() not in text


@pytest.mark.parametrize(
    "word", ["result", "jenkins-scan", "SUBMITTED", "submitted", "archive", "images", "sandbox", "verdict"]
)
def test_a_weak_secret_that_is_a_word_of_ours_breaks_no_report(cli, archive, word, leaks):
    leaks.pardon(word)
    run = cli("scan", archive, "--endpoint", "sandbox", env={"HTTPS_PROXY": f"http://u:{word}@p.example:3128"})
    assert (run.code, run.result["verdict"], run.result["schema"]) == (0, "SUBMITTED", "jenkins-scan/result/1")
    assert run.result["tasks"][0]["id"]


@pytest.mark.parametrize(
    ("proxy", "secrets"),
    [
        ("http://bob:C%40naryPr%2F0xy77@{host}", ["C@naryPr/0xy77", "C%40naryPr%2F0xy77"]),
        ("bob:CanaryPr0xy77@{host}", ["CanaryPr0xy77"]),
        ("http://CanaryT0ken77@{host}", ["CanaryT0ken77"]),
    ],
)
def test_what_a_proxy_repeats_of_its_credentials_is_shown_nowhere(cli, archive, echo, proxy, secrets):
    env = {**CANARIES, "HTTPS_PROXY": proxy.format(host=f"127.0.0.1:{echo.server_address[1]}")}
    run = cli("-vv", "scan", archive, "--endpoint", "https://sas.invalid", env=env)
    assert run.code == 15
    written = "".join(path.read_text() for path in run.folder.rglob("*.*"))
    for secret in secrets:
        for form in (secret, base64.b64encode(f"bob:{secret}".encode()).decode()):
            assert form not in run.out + run.err + written


def test_no_secret_is_in_a_query_string(cli, archive, echo):
    cli("scan", archive, "--endpoint", f"http://127.0.0.1:{echo.server_address[1]}", env=CANARIES)
    assert len(echo.seen) == 2
    assert all("canary" not in path for path, _ in echo.seen)
