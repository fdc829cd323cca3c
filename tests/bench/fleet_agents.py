"""The agents of a fleet: those that run the tool's own code, and scripts that ask at fixed intervals."""

import random
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx
from pydantic import SecretStr

from jenkins_scan import sandbox
from jenkins_scan.errors import ScanError
from jenkins_scan.sandbox.messages import Dropped, Reply
from jenkins_scan.security_center import client as client_module
from jenkins_scan.security_center.client import SecurityCenterClient
from jenkins_scan.security_center.connect import connect
from jenkins_scan.security_center.credentials import Credentials
from jenkins_scan.security_center.endpoints import Endpoint
from jenkins_scan.security_center.interface import ScanRequest
from jenkins_scan.security_center.registry_scans import ImageFilter
from jenkins_scan.step.lost_answer import take_up
from jenkins_scan.step.opening import SUBMIT_BUDGET, Opening, ask_quota
from jenkins_scan.step.record import JENKINS_CREATE, ImageRun, Run
from jenkins_scan.step.registry_task import CREATE, Slots
from jenkins_scan.step.submission import NAMED, Submission
from jenkins_scan.step.submitted import Submitted
from jenkins_scan.step.voice import Silence
from jenkins_scan.step.waiting import Wait
from tests.bench.fleet_account import Account, digest_of
from tests.bench.fleet_clock import Dead, Sleeper, VirtualTime

ENDPOINT = Endpoint("http://127.0.0.1:1", region="cn-hangzhou")
KEYS = Credentials(sandbox.ACCESS_KEY_ID, SecretStr(sandbox.ACCESS_KEY_SECRET))
LATENCY = 0.06
"""Seconds from a request to its answer."""
BROKEN = 0.0005
"""The share of calls whose connection breaks: half of them before the service has acted, half of them after."""
PATIENCE = 7 * 24 * 3600.0
"""Seconds that an agent would wait: none gives up, so that the queues can be compared."""


@dataclass
class Fate:
    """What becomes of one agent, drawn before the run so that every policy meets the same."""

    number: int
    arrives: float
    dies_at: float = float("inf")
    dies_in_call: int = 0
    """The call in which it dies, 0: in none; an even one after the service has acted, an odd one before."""


class Agent(Protocol):
    """One agent, with what came of it."""

    fate: Fate
    task_id: str | None
    """The task that it knows of."""
    is_noted: bool
    """Whether its record says that a task exists or may exist."""
    ended: str
    """`finished`, `died`, or the class of the error."""


class Permits:
    """Ten permits outside of the tool, first come first served, as Jenkins' Lockable Resources gives them out."""

    def __init__(self, world: VirtualTime, permits: int) -> None:
        self._world = world
        self._left = permits
        self._queue: deque[Sleeper] = deque()

    def take(self, sleeper: Sleeper) -> None:
        """Waits in the queue for one. An agent that dies there leaves it when its turn comes."""
        if self._left > 0:
            self._left -= 1
            return
        self._queue.append(sleeper)
        try:
            sleeper.rest()
        except Dead:
            self.give_back()
            raise

    def give_back(self) -> None:
        """The next in the queue has it. The build has ended, and be it by death: Jenkins sees that."""
        if self._queue:
            self._world.at(self._world.time, self._queue.popleft().wake)
        else:
            self._left += 1


class Network(httpx.BaseTransport):
    """The way of all agents to the account: it takes time, breaks now and then, and ends with the agent."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._here = threading.local()

    def belongs_to(self, agent: "OurAgent") -> None:
        """From here on the calls of this thread are this agent's."""
        self._here.agent = agent

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The sandbox's answer, after a while. Raises `Dead`, and `httpx.ReadError`."""
        agent: OurAgent = self._here.agent
        agent.calls += 1
        dies = agent.calls == agent.fate.dies_in_call
        breaks = agent.luck.random() < BROKEN
        acted = agent.calls % 2 == 0 if dies else agent.luck.random() < 0.5
        if dies and not acted:
            raise Dead
        self._account.calls += 1
        answer = None if breaks and not acted else self._asked(request)
        if dies:
            raise Dead
        agent.clock.sleep(LATENCY)
        if breaks or answer is None:
            raise httpx.ReadError("[Errno 104] Connection reset by peer", request=request)
        return httpx.Response(answer.status, headers=answer.headers, stream=httpx.ByteStream(answer.body))

    def _asked(self, request: httpx.Request) -> Reply:
        target = request.url.raw_path.decode("ascii")
        answer = self._account.service.handle(request.method, target, dict(request.headers), request.content)
        if isinstance(answer, Dropped):
            raise TypeError("the scenario of the fleet drops no connection")
        self._account.throttled += answer.status == 400 and b"Throttling" in answer.body
        return answer


class OurAgent:
    """An agent that runs `scan-registry` up to the end of the scan: the tool's own client, slots and polls.

    Left out is what costs every policy the same: identifying the image before, and reading the findings after.
    """

    def __init__(self, world: VirtualTime, account: Account, fate: Fate, permits: Permits | None = None) -> None:
        self.fate = fate
        self.calls = 0
        self.luck = random.Random(fate.number)  # noqa: S311  a simulation
        self.clock = Sleeper(world, self._work, until=fate.dies_at)
        self.task_id: str | None = None
        self.ended = "never"
        self._image = ImageRun(f"image {fate.number}")
        self._account = account
        self._permits = permits

    @property
    def is_noted(self) -> bool:
        return self._image.task is not None

    def begin(self) -> Any:
        return self.clock.start()

    def _work(self) -> None:
        try:
            if self._permits is None:
                self._scan()
            else:
                self._permits.take(self.clock)
                try:
                    self._scan()
                finally:
                    self._permits.give_back()
            self.ended = "finished"
        except Dead:
            self.ended = "died"
        except ScanError as error:
            self.ended = type(error).__name__
        finally:
            noted = self._image.task
            self.task_id = None if noted is None or noted.task is None else noted.task.task_id

    def _scan(self) -> None:
        clock, image = self.clock, self._image
        token = SecretStr(sandbox.TOKEN)
        center = SecurityCenterClient(_network(self, self._account), ENDPOINT, token, clock)
        request = ScanRequest(digest=digest_of(self.fate.number))
        image.submission = Submission(request, NAMED)
        run = Run(clock.now(), [image])
        budget, deadline = clock.monotonic() + SUBMIT_BUDGET, clock.monotonic() + PATIENCE
        self._submit(center, run, budget, deadline)
        record = image.task
        if record is None or record.task is None:
            raise AssertionError("a slot without a task")
        submitted = Submitted(record.task.task_id, record.opened_at, request, opened_on=record.opened_on)
        Wait(submitted, center.tasks, clock, deadline, spread=self.luck.random).until_the_end()

    def _submit(self, center: SecurityCenterClient, run: Run, budget: float, deadline: float) -> None:
        wanted = ImageFilter(digests=(digest_of(self.fate.number),))
        center.registries.precheck(wanted, deadline=budget)
        ask_quota(run, center, deadline=budget)
        opening = Opening(center, self.clock, CREATE, sandbox_allowed=True)
        Slots(run, opening, self.clock, Silence(), self.luck.random).open(
            run.images,
            lambda until, note: center.registries.create(wanted, deadline=until, on_the_way=note),
            budget=budget,
            deadline=deadline,
        )


class ScanAgent(OurAgent):
    """An agent that runs `scan`, whose tasks need no slot: quota, create, polls."""

    def _submit(self, center: SecurityCenterClient, run: Run, budget: float, _deadline: float) -> None:
        (image,), clock = run.images, self.clock
        request = ScanRequest(digest=digest_of(self.fate.number))
        opening = Opening(center, clock, JENKINS_CREATE, sandbox_allowed=True)
        ask_quota(run, center, deadline=budget)
        opening.open(
            [image],
            lambda note: center.create_jenkins_image_scan_task(request, deadline=budget, on_the_way=note),
            lambda created: created,
            lambda unknown: take_up(run, image, unknown, center, clock),
        )


class Line(httpx.Client):
    """An HTTP client that signs and sends, without what no call of ours meets: redirects, cookies, hooks.

    They would take a quarter of the time of a fleet.
    """

    def send(self, request: httpx.Request, **_: Any) -> httpx.Response:
        """The answer to the signed request."""
        if self.auth is None:
            raise TypeError("a client of the fleet signs what it sends")
        response = self._transport.handle_request(next(self.auth.sync_auth_flow(request)))
        response.request = request
        return response


_networks: dict[int, tuple[Network, httpx.Client]] = {}


def _network(agent: OurAgent, account: Account) -> httpx.Client:
    """The fleet's one HTTP client: a client for each agent would spend most of the time on itself."""
    if id(account) not in _networks:
        # A limit in real time means nothing where no time passes, and would take a thread for each call.
        client_module.within = lambda seconds, work: work()
        network = Network(account)
        http = connect(ENDPOINT, KEYS, ca_bundle=None, environ={}, transport=network, now=agent.clock.now)
        http.__class__ = Line
        _networks[id(account)] = network, http
    network, http = _networks[id(account)]
    network.belongs_to(agent)
    return http


@dataclass
class NaiveAgent:
    """A script that asks every few seconds, for a slot and then for the end of its scan, and minds nothing else."""

    world: VirtualTime
    account: Account
    fate: Fate
    interval: float
    task_id: str | None = None
    ended: str = "never"
    over_at: float = field(default=float("inf"))

    @property
    def is_noted(self) -> bool:
        return self.task_id is not None

    def begin(self) -> None:
        now = self.world.time
        if now >= self.fate.dies_at:
            self.ended = "died"
            return
        if self.account.admits(now):
            if self.task_id is None:
                task = self.account.create(self.fate.number, now)
                if task is not None:
                    self.task_id, self.over_at = task.task_id, now + self.account.length(task)
            elif now >= self.over_at:
                self.ended = "finished"
                return
        self.world.at(min(now + self.interval, self.fate.dies_at), self.begin)
