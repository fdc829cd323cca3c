"""Debian's Chromium without a window, driven through its debugging pipe.

Each message of the DevTools protocol is JSON that ends with NUL; the browser reads them from file descriptor 3 and
writes to 4. Source: `--remote-debugging-pipe` in chromium's content/browser/devtools/devtools_pipe_handler.cc.
"""

import base64
import contextlib
import fcntl
import json
import os
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

CHROMIUM: Final = "/usr/bin/chromium"
FLAGS: Final = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
    *("--disable-default-apps", "--disable-domain-reliability", "--disable-breakpad", "--disable-crash-reporter"),
    *("--disable-features=OptimizationHints,Translate,MediaRouter", "--no-pings", "--metrics-recording-only"),
    *(
        "--password-store=basic",
        "--hide-scrollbars",
        "--lang=en-US",
        "--allow-browser-signin=false",
        "--force-device-scale-factor=1",
    ),
    # Names are not looked up, and nothing but loopback is an address.
    "--host-resolver-rules=MAP * ^NOTFOUND , EXCLUDE 127.0.0.1",
)
DEADLINE: Final = 60.0
"""Seconds until a browser that does not answer fails the test."""
HIGH: Final = 10
"""The first descriptor for our ends of the pipes, which must not be the browser's 3 and 4."""


class Browser:
    """A running one: commands, their answers, and the events that came meanwhile."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self.events: list[dict[str, Any]] = []
        self._to, self._from = to_browser, from_browser
        self._rest, self._number = b"", 0

    def ask(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """The answer to a command."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        os.write(self._to, json.dumps(message | ({} if session is None else {"sessionId": session})).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, method: str, session: str) -> None:
        """Returns once this event has come."""
        while not any((event["method"], event.get("sessionId")) == (method, session) for event in self.events):
            self.events.append(self._read())

    @contextlib.contextmanager
    def opened(self, url: str, width: int = 1280, *, dark: bool = False) -> "Iterator[Page]":
        """The page, loaded in a tab of its own that is `width` CSS pixels wide."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        page = Page(self, self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])
        page.ask("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 600)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        page.ask("Emulation.setEmulatedMedia", features=[scheme])
        for domain in ("Page", "Network", "Log", "Audits", "DOM", "CSS"):
            page.ask(f"{domain}.enable")
        page.load(url)
        yield page
        self.ask("Target.closeTarget", targetId=target)

    def _read(self) -> dict[str, Any]:
        give_up = time.monotonic() + DEADLINE
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._from], [], [], max(0.0, give_up - time.monotonic()))
            assert ready, "the browser does not answer"
            received = os.read(self._from, 1 << 20)
            assert received, "the browser has gone"
            self._rest += received
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)


class Page:
    """A loaded page."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser, self._session, self._root = browser, session, 0

    @property
    def events(self) -> list[dict[str, Any]]:
        """What came from this page."""
        return [event for event in self._browser.events if event.get("sessionId") == self._session]

    def load(self, url: str) -> None:
        """Goes there, and returns when all of it has been loaded."""
        failed = self.ask("Page.navigate", url=url).get("errorText")
        assert failed is None, failed
        self._browser.wait_for("Page.loadEventFired", self._session)
        self._root = self.ask("DOM.getDocument")["root"]["nodeId"]

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The answer to a command about this page."""
        return self._browser.ask(method, self._session, **parameters)

    def violations(self) -> list[Any]:
        """What the content security policy forbade, and everything else that the browser complained about."""
        issues = [event["params"]["issue"] for event in self.events if event["method"] == "Audits.issueAdded"]
        entries = [event["params"]["entry"] for event in self.events if event["method"] == "Log.entryAdded"]
        return [*issues, *(entry["text"] for entry in entries if not entry.get("url", "").endswith("/favicon.ico"))]

    def requests(self) -> list[str]:
        """The addresses that were asked for, a favicon left out."""
        sent = (event["params"] for event in self.events if event["method"] == "Network.requestWillBeSent")
        urls = [each["request"]["url"] for each in sent]
        return [url for url in urls if not url.endswith("/favicon.ico")]

    def style(self, selector: str) -> dict[str, str]:
        """The computed style of the first element that is selected."""
        node = self.ask("DOM.querySelector", nodeId=self._root, selector=selector)["nodeId"]
        assert node, f"no element is {selector}"
        computed = self.ask("CSS.getComputedStyleForNode", nodeId=node)["computedStyle"]
        return {each["name"]: each["value"] for each in computed}

    def overflow(self) -> float:
        """CSS pixels by which the content is wider than the window."""
        metrics = self.ask("Page.getLayoutMetrics")
        return metrics["cssContentSize"]["width"] - metrics["cssLayoutViewport"]["clientWidth"]

    def take_picture(self, path: Path) -> None:
        """Writes the whole page as PNG, at most 6000 pixels high."""
        size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 6000), "scale": 1}
        taken = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(taken["data"]))


@contextlib.contextmanager
def running_browser(folder: Path) -> Iterator[Browser]:
    """Chromium with everything that it writes in `folder`; it ends, with all of its processes, with the context."""
    assert Path(CHROMIUM).exists(), "these tests need Debian's package chromium"
    its_input, to_browser = _high_pipe()
    from_browser, its_output = _high_pipe()
    environ = {"HOME": str(folder), "PATH": os.environ["PATH"], "TMPDIR": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    log = _high(os.open(folder / "chromium.log", os.O_CREAT | os.O_WRONLY, 0o600))
    process = os.posix_spawn(
        CHROMIUM,
        [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}", f"--log-net-log={folder / 'net.json'}"],
        environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, its_input, 3), (os.POSIX_SPAWN_DUP2, its_output, 4)]
        + [(os.POSIX_SPAWN_DUP2, log, number) for number in (1, 2)],
        setpgroup=0,
    )
    for descriptor in (its_input, its_output, log):
        os.close(descriptor)
    browser = Browser(to_browser, from_browser)
    try:
        yield browser
        browser.ask("Browser.close")
        os.waitpid(process, 0)
    except BaseException:
        os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)
        raise
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)
        for descriptor in (to_browser, from_browser):
            os.close(descriptor)


def _high_pipe() -> tuple[int, int]:
    reading, writing = os.pipe()
    return _high(reading), _high(writing)


def _high(descriptor: int) -> int:
    """The same open file under a number that is none of the browser's own."""
    high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, HIGH)
    os.close(descriptor)
    return high
