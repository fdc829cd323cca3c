"""A leak is planted in each place that the collector of the other folders looks at: it must object every time."""

import http.client
import logging
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import pytest

from jenkins_scan.sandbox.scenarios import load_scenario
from jenkins_scan.sandbox.service import SandboxService
from jenkins_scan.sandbox.state import State
from jenkins_scan.secret_forms import forms_of
from tests.support import canned_registry, loopback_servers
from tests.support.canaries import CANARIES, KEY_SECRET, SECURITY_TOKEN, TOKEN, forms
from tests.support.center import Canned
from tests.support.leak_collector import Collector, needles, with_canaries
from tests.support.watched import install

QUIET = [sys.executable, "-S", "-I", "-c"]


@pytest.fixture
def collector(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        collector = Collector()
        collector.begin(tmp_path)
        install(collector, patch)
        yield collector


def as_the_tool(source, **names):
    """Runs a text as if it were a module of the package, and gives what it made."""
    made = {"__name__": "jenkins_scan.planted", "subprocess": subprocess, **names}
    return type(source)(source.__code__, made)()


def test_where_nothing_leaks_nothing_is_said(collector, tmp_path, capsys):
    (tmp_path / "before").write_text(TOKEN)
    with collector.run():
        sys.stdout.write("nothing")
        (tmp_path / "report").write_text("nothing")
    capsys.readouterr()
    assert collector.leaks() == []


@pytest.mark.parametrize("secret", CANARIES.values())
def test_every_form_of_a_canary_is_recognised(secret):
    for form in forms(secret):
        collector = Collector()
        collector.saw("a place", f"before {form} after")
        assert collector.leaks(), form


def test_the_forms_that_the_tool_hides_are_all_recognised():
    searched = [form for form, _ in needles(frozenset(CANARIES.items()))]
    for secret in CANARIES.values():
        for form in forms_of(secret):
            assert any(each in form for each in searched), form


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("read_away", [True, False])
def test_what_a_run_in_this_process_says_is_seen(collector, capsys, stream, read_away):
    getattr(sys, stream).write(f"the token is {TOKEN}")
    if read_away:
        capsys.readouterr()
    else:
        capsys.close()
    (found,) = collector.leaks()
    assert found.startswith(f"JENKINS_SCAN_TOKEN is in {stream}")


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("text", [True, False])
@pytest.mark.parametrize("way", ["run", "read", "lines", "both"])
def test_what_a_test_receives_of_a_child_is_seen(collector, stream, text, way):
    command = [*QUIET, f"import os, sys; print(os.environ['TOLD'], file=sys.{stream})"]
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    only = both if way in ("run", "both") else {stream: subprocess.PIPE}
    with subprocess.Popen(command, env={"TOLD": KEY_SECRET}, text=text, **only) as child:
        if way in ("run", "both"):
            child.communicate()
        elif way == "read":
            getattr(child, stream).read()
        else:
            assert len(list(getattr(child, stream))) == 1
    assert "ALIBABA_CLOUD_ACCESS_KEY_SECRET is in what a child said" in collector.leaks()[0]


def test_a_file_that_a_run_wrote_or_changed_is_seen_and_one_of_the_test_is_not(collector, tmp_path):
    (tmp_path / "planted").write_text(TOKEN)
    (tmp_path / "changed").write_text("nothing")
    with collector.run():
        (tmp_path / "scan-report").mkdir()
        (tmp_path / "scan-report" / "state.db").write_bytes(b"\0" + TOKEN.encode() + b"\xff")
        (tmp_path / "changed").write_text(TOKEN)
    (tmp_path / "later").write_text(TOKEN)
    with collector.run():
        pass
    found = collector.leaks()
    assert len(found) == 2
    assert all("changed: " in each or "state.db: " in each for each in found)


def test_the_name_of_a_file_is_seen(collector, tmp_path):
    with collector.run():
        (tmp_path / "canary-token-of-a-user").write_text("")
        collector.learn({"JENKINS_SCAN_TOKEN": "canary-token-of-a-user"})
    assert "JENKINS_SCAN_TOKEN of a run" in collector.leaks()[0]


def test_a_file_that_a_child_wrote_is_seen(collector, tmp_path):
    (tmp_path / "jenkins-scan").write_text('#!/bin/sh\nprintf %s "$JENKINS_SCAN_TOKEN" > written\n')
    (tmp_path / "jenkins-scan").chmod(0o755)
    subprocess.run([tmp_path / "jenkins-scan"], cwd=tmp_path, env={}, check=True)
    (found,) = collector.leaks()
    assert found.startswith(f"JENKINS_SCAN_TOKEN is in the file {tmp_path}/written")


@pytest.mark.parametrize("level", [logging.DEBUG, logging.ERROR])
def test_a_record_of_any_level_is_seen_and_so_is_its_traceback(collector, level):
    log = logging.getLogger("jenkins_scan.planted")
    log.log(level, "asked with %s", TOKEN)
    log.log(level, "it failed", exc_info=ValueError(SECURITY_TOKEN))
    found = collector.leaks()
    assert {each.split()[0] for each in found} == {"JENKINS_SCAN_TOKEN", "ALIBABA_CLOUD_SECURITY_TOKEN"}


def test_the_arguments_of_a_child_of_the_tool_are_seen_and_its_answer_is_not(collector):
    def helper():
        return subprocess.run(["/bin/echo", "canned"], capture_output=True, check=False, env={})

    def with_secret():
        return subprocess.run(["/bin/echo", SECRET], capture_output=True, check=False, env={})  # noqa: F821

    as_the_tool(helper)
    assert collector.leaks() == []
    as_the_tool(with_secret, SECRET=canned_registry.PASSWORD)
    (found,) = collector.leaks()
    assert found.startswith("the registry's password is in the command line of a child")


def test_the_command_line_of_a_child_of_a_child_is_sampled(collector, tmp_path):
    tool = tmp_path / "jenkins-scan"
    tool.write_text('#!/bin/sh\n/bin/sh -c "read line" "$JENKINS_SCAN_TOKEN"\n')
    tool.chmod(0o755)
    with subprocess.Popen([tool], stdin=subprocess.PIPE, env={}) as child:
        end = time.monotonic() + 10
        # The shell that the tool becomes has a command line of its own before it starts the other one.
        while not any("read line" in text for _, text in collector.places) and time.monotonic() < end:
            time.sleep(0.01)
        child.communicate(b"\n")
    assert "JENKINS_SCAN_TOKEN is in the command line of a child" in collector.leaks()[0]


def test_the_address_that_a_server_was_asked_for_is_seen(collector):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        ask(server.server_address[1])
        thread.join()
    assert len(collector.leaks()) == 2


def test_the_address_that_a_canned_server_was_asked_for_is_seen(collector):
    with loopback_servers.loopback_servers() as start:
        ask(start(Canned()).port)
    assert "an address that a server was asked for" in collector.leaks()[0]


def ask(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", f"/v2/?token=sandbox-sts-security-token&other={quote(KEY_SECRET, safe='')}")
    connection.getresponse().read()
    connection.close()


def test_the_address_that_the_sandbox_was_asked_for_is_seen(collector):
    service = SandboxService(load_scenario("clean"), State())
    service.handle("POST", f"/?Token={next(iter(forms('sandbox-token')))}", {}, b"")
    assert "an address that the sandbox was asked for" in collector.leaks()[0]


def test_the_keys_that_sandbox_serve_hands_out_are_no_leak_and_any_other_line_is(collector):
    ready = '{"url": "http://127.0.0.1:1", "access_key_secret": "sandbox-access-key-secret", "token": "sandbox-token"}'
    collector.saw("stdout", ready)
    assert collector.leaks() == []
    collector.saw("stdout", f"{ready}\nsandbox-token")
    assert len(collector.leaks()) == 1


def test_canaries_never_mix_with_the_keys_of_a_test():
    assert with_canaries({}) == CANARIES
    assert with_canaries({"ALIBABA_CLOUD_ACCESS_KEY_ID": "x"}).keys() == {
        "ALIBABA_CLOUD_ACCESS_KEY_ID",
        "JENKINS_SCAN_TOKEN",
    }
    assert "JENKINS_SCAN_TOKEN" not in with_canaries({"JENKINS_SCAN_TOKEN_FILE": "x"})


def test_a_run_has_canaries_and_leaves_none_behind(collector):
    with collector.run():
        assert os.environ["JENKINS_SCAN_TOKEN"] == TOKEN
    assert "JENKINS_SCAN_TOKEN" not in os.environ
    collector.bare = True
    with collector.run():
        assert "JENKINS_SCAN_TOKEN" not in os.environ


@pytest.mark.parametrize(
    ("environ", "shown"),
    [
        ({"HTTPS_PROXY": "http://bob:C%40naryPr0xy@p:1"}, "C@naryPr0xy"),
        ({"https_proxy": "bob:C%40naryPr0xy@p:1"}, "C%40naryPr0xy"),
        ({"DOCKER_HOST": "tcp://bob:CanaryEngine@e:1"}, "CanaryEngine"),
        ({"JENKINS_API_TOKEN": "canary-of-jenkins"}, "canary-of-jenkins"),
    ],
)
def test_secrets_of_the_surroundings_are_learned(environ, shown):
    collector = Collector()
    collector.learn(environ)
    collector.saw("stderr", shown)
    assert collector.leaks()
    pardoned = Collector()
    pardoned.pardon(shown, "C%40naryPr0xy", "C@naryPr0xy")
    pardoned.learn(environ)
    pardoned.saw("stderr", shown)
    assert pardoned.leaks() == []
