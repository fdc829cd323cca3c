"""The page in a real browser, under the very policy with which Jenkins serves it.

Pictures of it are kept in build/screenshots. The policy is the default of `hudson.model.DirectoryBrowserSupport.CSP`.
Source: "Configuring Content Security Policy" in the Jenkins handbook.
"""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from jenkins_scan.report.formats import style_sheet
from tests.support.browser import Browser, running_browser
from tests.support.results import HOSTILE_TEXTS, every_ending, hostile, text_of

POLICY = "sandbox allow-same-origin; default-src 'none'; img-src 'self'; style-src 'self';"
PICTURES = Path(__file__).resolve().parents[2] / "build" / "screenshots"
ENDINGS = every_ending()
PAGES = {
    **{name: text_of("html", ENDINGS[name]) for name in ("fail", "clean", "several", "quota")},
    **{f"hostile-{number}": text_of("html", hostile(text)) for number, text in enumerate(HOSTILE_TEXTS)},
}
DRAWN = ("fail", "clean", "several", "quota", "hostile-0", "hostile-9")
VERDICT_COLOURS = {"fail": "rgb(179, 38, 30)", "clean": "rgb(77, 90, 108)"}
BAD = {
    "style-element": "<style>p { color: red }</style>",
    "style-attribute": '<p style="color: red">x</p>',
    "script": "<script>document.title = 'x'</script>",
    "foreign-image": '<img src="http://127.0.0.1:9/x.png">',
    "data-image": '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">',
}


class Server(ThreadingHTTPServer):
    """A folder for each page, as the HTML Publisher plugin serves them."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.pages = {f"/{name}/index.html": page for name, page in PAGES.items()}

    def address_of(self, name: str, page: str | None = None) -> str:
        if page is not None:
            self.pages[f"/{name}/index.html"] = page
        return f"http://127.0.0.1:{self.server_port}/{name}/index.html"


class Answer(BaseHTTPRequestHandler):
    """A page or the style sheet, with the headers of Jenkins."""

    server: Server

    def do_GET(self) -> None:
        is_style = self.path.endswith("/report.css")
        text = style_sheet() if is_style else self.server.pages.get(self.path)
        self.send_response(404 if text is None else 200)
        self.send_header("Content-Type", "text/css" if is_style else "text/html")
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write((text or "").encode())

    def log_message(self, *parts: object) -> None:
        """Says nothing: the test tells what was asked for."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        thread = Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def made(folder):
    """The folder; its path is short, as the browser has a socket in it."""
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def browser(engines_folder) -> Iterator[Browser]:
    with running_browser(made(engines_folder / "browser")) as running:
        yield running


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [1280, 375])
def test_the_page_shows_under_the_policy_of_jenkins(browser, server, name, width):
    address = server.address_of(name)
    with browser.opened(address, width) as page:
        assert page.violations() == []
        assert page.requests() == [address, address.replace("index.html", "report.css")]
        assert page.style("body")["background-color"] == "rgb(245, 246, 248)"
        assert page.overflow() == 0


@pytest.mark.parametrize("name", VERDICT_COLOURS)
def test_the_verdict_has_its_colour_and_the_sandbox_takes_it_away(browser, server, name):
    with browser.opened(server.address_of(name)) as page:
        assert page.style(".banner")["background-color"] == VERDICT_COLOURS[name]


def test_the_stamp_of_the_sandbox_stays_in_sight(browser, server):
    with browser.opened(server.address_of("clean")) as page:
        assert page.style(".stamp")["position"] == "sticky"


def test_dark_mode_is_followed(browser, server):
    address = server.address_of("fail")
    with browser.opened(address) as light, browser.opened(address, dark=True) as dark:
        assert light.style("body")["background-color"] == "rgb(245, 246, 248)"
        assert dark.style("body")["background-color"] == "rgb(17, 21, 27)"


def test_on_a_phone_findings_are_cards(browser, server):
    address = server.address_of("fail")
    with browser.opened(address) as wide, browser.opened(address, 375) as narrow:
        assert wide.style(".findings tr")["display"] == "table-row"
        assert narrow.style(".findings tr")["display"] == "block"


@pytest.mark.parametrize("what", BAD)
def test_what_jenkins_forbids_would_be_noticed(browser, server, what):
    address = server.address_of(f"bad-{what}", f"<!DOCTYPE html><title>x</title>{BAD[what]}")
    with browser.opened(address) as page:
        assert page.violations() != []


def test_a_page_that_is_too_wide_would_be_noticed(browser, server):
    wide = PAGES["clean"].replace("in the sandbox", f'<table><td nowrap="">{"wide " * 100}</table>')
    with browser.opened(server.address_of("wide", wide), 375) as page:
        assert page.overflow() > 0


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pictures_are_kept(browser, server, name, width, dark):
    PICTURES.mkdir(parents=True, exist_ok=True)
    path = PICTURES / f"{name}-{width}-{'dark' if dark else 'light'}.png"
    with browser.opened(server.address_of(name), width, dark=dark) as page:
        page.take_picture(path)
    picture = path.read_bytes()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert int.from_bytes(picture[16:20], "big") == width


def test_the_browser_speaks_with_this_machine_alone(server, engines_folder):
    folder = made(engines_folder / "quiet-browser")
    with running_browser(folder) as browser, browser.opened(server.address_of("fail")):
        pass
    log = json.loads((folder / "net.json").read_text(encoding="utf-8"))
    kinds = {number: name for name, number in log["constants"]["logEventTypes"].items()}
    seen = [(kinds[event["type"]], event.get("params", {})) for event in log["events"]]
    connected = {params["address"] for kind, params in seen if kind == "TCP_CONNECT_ATTEMPT" and "address" in params}
    assert connected == {f"127.0.0.1:{server.server_port}"}
    assert not [params for kind, params in seen if kind in ("UDP_BYTES_SENT", "HOST_RESOLVER_SYSTEM_TASK")]
