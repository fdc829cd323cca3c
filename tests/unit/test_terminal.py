"""The one place that prints: what it hides, and streams that break."""

import io
import logging

import pytest

from jenkins_scan.cli.terminal import Terminal, wants_color
from jenkins_scan.errors import ServiceFault


@pytest.fixture
def streams():
    return io.StringIO(), io.StringIO()


@pytest.fixture
def terminal(streams):
    made = Terminal(*streams)
    made.configure(color="never", verbosity=0, quiet=False, environ={})
    return made


def test_every_line_has_its_secrets_taken_out(terminal, streams):
    terminal.redact.add("canary-secret")
    terminal.line("canary-secret")
    terminal.note("canary-secret")
    terminal.text("canary-secret")
    terminal.rows([("a", "canary-secret")])
    terminal.error(ServiceFault("canary-secret", remedy="canary-secret", request_id="canary-secret"))
    terminal.verbosity = 1
    terminal.bug(RuntimeError("canary-secret"))
    logging.getLogger("jenkins_scan.anything").warning("canary-secret")
    out, err = (stream.getvalue() for stream in streams)
    assert "canary" not in out + err
    assert err.count("****") == 9


@pytest.mark.parametrize(
    ("verbosity", "shown"), [(0, ["w"]), (1, ["i", "w"]), (2, ["d", "i", "w"]), (3, ["d", "i", "w"])]
)
def test_the_log_of_the_package_follows_the_verbosity_and_others_stay_silent(streams, verbosity, shown):
    Terminal(*streams).configure(color="never", verbosity=verbosity, quiet=False, environ={})
    log = logging.getLogger("jenkins_scan.step")
    log.debug("d")
    log.info("i")
    log.warning("w")
    logging.getLogger("httpx").info("HTTP Request: POST https://user:pw@host")
    said = [line.rpartition(": ")[2] for line in streams[1].getvalue().splitlines()]
    assert said == shown


def test_control_characters_never_reach_the_console(terminal, streams):
    terminal.line("a\x1b]0;title\x07b\rc\nd\u202e")
    assert streams[1].getvalue() == "ab c d\n"


@pytest.mark.parametrize("broken", [OSError("gone"), ValueError("closed")])
def test_a_broken_stream_changes_nothing(broken):
    class Broken(io.StringIO):
        def write(self, text):
            raise broken

        def flush(self):
            raise broken

        def isatty(self):
            raise ValueError("closed")

    terminal = Terminal(Broken(), Broken())
    terminal.configure(color="auto", verbosity=0, quiet=False, environ={})
    terminal.report("x")
    terminal.line("x")
    terminal.close()


@pytest.mark.parametrize(
    ("choice", "environ", "is_terminal", "coloured"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "0"}, False, False),
        ("auto", {"CLICOLOR_FORCE": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
    ],
)
def test_colour_follows_the_flag_then_the_variables_then_the_terminal(choice, environ, is_terminal, coloured):
    assert wants_color(choice, environ, is_terminal=is_terminal) == coloured


def test_ascii_agents_get_escapes_instead_of_an_error():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    Terminal(stream, stream).report("中 \udcff\n")
    assert raw.getvalue() == "中 \\udcff\n".encode()


class TestShow:
    """What is so at this moment, on one line that the next one replaces."""

    class Console(io.StringIO):
        def isatty(self):
            return True

    def shown(self, do, *, quiet=False, term="xterm", err=None):
        err = err or self.Console()
        terminal = Terminal(self.Console(), err)
        terminal.configure(color="never", verbosity=0, quiet=quiet, environ={} if term is None else {"TERM": term})
        do(terminal)
        return err.getvalue()

    def test_each_takes_the_place_of_the_last_and_a_line_the_place_of_both(self):
        def do(terminal):
            terminal.show("10 %")
            terminal.show("20 %")
            terminal.line("done")
            terminal.line("and out")

        assert self.shown(do).split("\r\x1b[2K")[1:] == ["10 %", "", "20 %", "done\nand out\n"]

    def test_a_report_on_stdout_takes_its_place_too_as_both_may_be_one_console(self):
        assert self.shown(lambda terminal: (terminal.show("10 %"), terminal.report("{}"))).endswith("10 %\r\x1b[2K")

    def test_nothing_is_left_of_it_at_the_end(self):
        assert self.shown(lambda terminal: (terminal.show("10 %"), terminal.close())).endswith("10 %\r\x1b[2K")
        assert self.shown(Terminal.close) == ""

    @pytest.mark.parametrize(
        "surroundings", [{"quiet": True}, {"term": "dumb"}, {"term": ""}, {"term": None}, {"err": io.StringIO()}]
    )
    def test_nowhere_else_is_a_line_replaced(self, surroundings):
        assert self.shown(lambda terminal: terminal.show("10 %"), **surroundings) == ""

    def test_it_stays_one_line_without_secrets_and_control_characters(self, monkeypatch):
        def do(terminal):
            terminal.redact.add("canary-secret")
            terminal.show(f"canary-secret \r\n\x1b[31m {'x' * 300}")

        monkeypatch.setenv("COLUMNS", "40")
        text = self.shown(do).rpartition("\x1b[2K")[2]
        assert "canary" not in text
        assert text.isprintable()
        assert len(text) < 40
