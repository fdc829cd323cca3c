"""A whole scan on an account that is throttled for long: the real client and the sandbox, on a clock of their own."""

import os
import signal
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr

from jenkins_scan import errors, sandbox
from jenkins_scan.cli.signals import Interruptions
from jenkins_scan.config.settings import Overrides, ScanSettings, ServiceSettings
from jenkins_scan.gate.image import Judging
from jenkins_scan.gate.policy import policy_from
from jenkins_scan.sandbox.scenarios import Scenario
from jenkins_scan.sandbox.service import SandboxService
from jenkins_scan.sandbox.state import State
from jenkins_scan.sandbox.transport import SandboxTransport
from jenkins_scan.security_center.client import SecurityCenterClient
from jenkins_scan.security_center.connect import connect
from jenkins_scan.security_center.credentials import Credentials
from jenkins_scan.security_center.endpoints import Endpoint
from jenkins_scan.step.patience import SUBMIT_BUDGET
from jenkins_scan.step.record import ImageRun, Run
from jenkins_scan.step.scan import scan
from tests.support.center import FakeClock
from tests.support.images import pushed, resolved

QUOTA, CREATE = "DescribeImageScanAuthCount", "CreateJenkinsImageScanTask"
ENDPOINT = Endpoint("http://127.0.0.1:1", region="cn-hangzhou")
KEYS = Credentials(sandbox.ACCESS_KEY_ID, SecretStr(sandbox.ACCESS_KEY_SECRET))
TIMEOUT = 900.0


@dataclass
class Account:
    """The sandbox under this scenario."""

    scenario: dict
    clock: FakeClock = field(default_factory=FakeClock)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        scenario = Scenario.model_validate({"name": "throttled", **self.scenario})
        self.service = SandboxService(scenario, State(), now=self.clock.now)

    def scan(self, *, judging=True):
        """The image after one run."""
        transport = SandboxTransport(self.service)
        handle = transport.handle_request

        def noted(request):
            self.asked.append(request.headers["x-acs-action"])
            return handle(request)

        transport.handle_request = noted
        http = connect(ENDPOINT, KEYS, ca_bundle=None, environ={}, transport=transport, now=self.clock.now)
        center = SecurityCenterClient(http, ENDPOINT, SecretStr(sandbox.TOKEN), self.clock)
        judged = Judging(policy=policy_from({}, fail_on="high"), timeout=TIMEOUT) if judging else None
        service = ServiceSettings(endpoint=ENDPOINT)
        settings = ScanSettings(
            images=("app:1",),
            service=service,
            overrides=Overrides(),
            min_quota=1,
            soft=frozenset(),
            judging=judged,
        )
        run = Run(self.clock.now(), [ImageRun("app:1")])
        scan(run, settings, sources=[Source()], center=center, clock=self.clock)
        return run.images[0]


class Source:
    """An image in a registry."""

    def resolve(self):
        return resolved(pushed())

    def look_again(self, identity):
        """It is the same."""


def throttling(operation, times, **more):
    return {"operation": operation, "times": times, "code": "Throttling.User", "message": "slow down", **more}


@pytest.mark.parametrize("operation", [QUOTA, CREATE])
def test_a_judged_scan_outlasts_minutes_of_throttling_and_opens_one_task(operation):
    account = Account({"fault": [throttling(operation, 9)]})
    image = account.scan()
    assert image.error is None
    assert image.judgement is not None
    assert account.asked.count(operation) == 10
    assert len(account.service.state.tasks()) == 1


def test_findings_that_are_throttled_for_minutes_are_read_to_the_end():
    account = Account({"fault": [throttling("DescribeImageVulList", 8)]})
    assert account.scan().judgement is not None
    assert account.asked.count("DescribeImageVulList") == 9


@pytest.mark.parametrize("operation", [QUOTA, CREATE])
def test_nobody_who_asks_for_no_judgement_is_kept_waiting(operation):
    account = Account({"fault": [throttling(operation, 0)]})
    began = account.clock.monotonic()
    image = account.scan(judging=False)
    assert isinstance(image.error, errors.ServiceThrottled)
    assert account.asked.count(operation) == 4
    assert account.clock.monotonic() - began <= SUBMIT_BUDGET


@pytest.mark.parametrize("operation", [QUOTA, CREATE])
def test_the_time_out_ends_it_with_nothing_opened_and_few_calls(operation):
    account = Account({"fault": [throttling(operation, 0)]})
    began = account.clock.monotonic()
    image = account.scan()
    assert isinstance(image.error, errors.ServiceThrottled)
    assert (image.task, account.service.state.tasks()) == (None, ())
    assert account.clock.monotonic() - began <= TIMEOUT + SUBMIT_BUDGET
    assert account.asked.count(operation) <= 40


@pytest.mark.parametrize("operation", [QUOTA, CREATE])
def test_what_was_waited_for_the_rate_is_no_longer_left_for_the_scan(operation):
    account = Account({"fault": [throttling(operation, 9)], "clock": {"finish_after": 100_000}})
    began = account.clock.monotonic()
    assert isinstance(account.scan().error, errors.StillRunning)
    assert account.clock.monotonic() - began <= TIMEOUT + 2 * SUBMIT_BUDGET


def test_a_create_whose_answer_is_lost_after_long_throttling_is_not_sent_again():
    lost = {"operation": CREATE, "times": 1, "drop": True, "after_effect": True}
    account = Account({"fault": [throttling(CREATE, 6), lost]})
    image = account.scan()
    assert account.asked.count(CREATE) == 7
    assert len(account.service.state.tasks()) == 1
    assert image.task.task.task_id == account.service.state.tasks()[0].task_id


def test_an_abort_ends_a_pause_and_nothing_is_sent_after_it():
    account = Account({"fault": [throttling(QUOTA, 0)]})

    def aborted(_seconds):
        if len(account.asked) == 4:  # the client has given up, and the build pauses
            os.kill(os.getpid(), signal.SIGTERM)

    account.clock.sleep = aborted
    with Interruptions(), pytest.raises(errors.Interrupted):
        account.scan()
    assert account.asked == [QUOTA] * 4
