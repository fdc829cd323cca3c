"""Certificates that vouch for nobody, and clocks that do not agree."""

import ssl
from dataclasses import replace
from datetime import datetime
from email.utils import formatdate, parsedate_to_datetime

import pytest
import trustme

from jenkins_scan.sandbox.conditions import Clock
from jenkins_scan.sandbox.scenarios import SCENARIOS, Scenario
from jenkins_scan.security_center.client import CREATE
from tests.faults import spoilt
from tests.faults.bed import kept
from tests.faults.faulty_service import EVERY, INSTANCES, POLLS, FaultyService, Spoil, scanned, written

GROUP = "The service: TLS and the clock"
NOTHING, MAYBE, TASK = "nothing was opened", "that a task may exist", "the task's id"
SLOW = pytest.mark.slow
LONG_AGO, PAST = datetime(2020, 1, 1), datetime(2024, 1, 1)  # noqa: DTZ001  trustme takes no zone
MINUTE = 60


@pytest.fixture
def authority():
    return trustme.CA()


@pytest.fixture
def bundle(authority, tmp_path):
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def shown(certificate):
    """A server that shows this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def test_a_certificate_of_the_named_authority_is_trusted(authority, bundle, tmp_path, note):
    context = shown(authority.issue_cert("127.0.0.1"))
    with FaultyService(tls=lambda _: context) as service:
        done = scanned(service, tmp_path, "--ca-bundle", bundle)
        opened = service.opened
    note("the certificate is one of --ca-bundle's authority", done, opened)
    assert (done.code, kept(done, opened)) == (0, TASK), done.said[-3000:]


def bad_certificates(authority):
    """By what is wrong with each."""
    return {
        "has expired": authority.issue_cert("127.0.0.1", not_before=LONG_AGO, not_after=PAST),
        "is another authority's": trustme.CA().issue_cert("127.0.0.1"),
        "is another host's": authority.issue_cert("tds.cn-shanghai.aliyuncs.com"),
        "is another address's": authority.issue_cert("127.0.0.2"),
    }


@pytest.mark.parametrize(
    "fault",
    [
        "has expired",
        pytest.param("is another authority's", marks=SLOW),
        pytest.param("is another host's", marks=SLOW),
        pytest.param("is another address's", marks=SLOW),
    ],
)
def test_a_bad_certificate_gets_nothing(fault, authority, bundle, tmp_path, note):
    context = shown(bad_certificates(authority)[fault])
    with FaultyService(tls=lambda _: context) as service:
        done = scanned(service, tmp_path, "--ca-bundle", bundle)
        assert service.seen == []
    note(f"the certificate {fault}", done)
    assert (done.code, kept(done)) == (15, NOTHING), done.said[-3000:]
    assert "CERTIFICATE_VERIFY_FAILED" in done.err


@pytest.mark.slow
def test_a_certificate_that_signed_itself_gets_nothing(tmp_path, note):
    own = trustme.CA()  # without --ca-bundle nobody vouches for it
    context = shown(own.issue_cert("127.0.0.1"))
    with FaultyService(tls=lambda _: context) as service:
        done = scanned(service, tmp_path)
        assert service.seen == []
    note("the certificate is self-signed, and no --ca-bundle is named", done)
    assert (done.code, kept(done)) == (15, NOTHING), done.said[-3000:]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("good", "stage", "tasks"), [(1, "after the quota", 0), (2, "after the create", 1), (4, "during the wait", 1)]
)
def test_a_certificate_expires_in_the_middle(good, stage, tasks, authority, bundle, tmp_path, note):
    contexts = [
        shown(authority.issue_cert("127.0.0.1")),
        shown(authority.issue_cert("127.0.0.1", not_before=LONG_AGO, not_after=PAST)),
    ]
    with FaultyService(tls=lambda number: contexts[number >= good]) as service:
        done = scanned(service, tmp_path, "--ca-bundle", bundle, "--timeout", "5s")
        opened = service.opened
        assert len(service.seen) == good
    note(f"the certificate expires {stage}", done, opened)
    remains = TASK if tasks else NOTHING
    # Once it has heard of the task, what it says at the deadline is that the task has not ended.
    assert (done.code, kept(done, opened), len(opened)) == (16 if good == 4 else 15, remains, tasks), done.said[-3000:]


@pytest.mark.slow
def test_a_port_that_speaks_no_tls(bundle, tmp_path, note):
    with FaultyService() as service:
        done = scanned(service, tmp_path, "--ca-bundle", bundle, "--endpoint", f"https://127.0.0.1:{service.port}")
        assert service.seen == []
    note("the port speaks no TLS", done)
    assert (done.code, kept(done)) == (15, NOTHING), done.said[-3000:]


def clock(minutes):
    return Scenario(name="clock", clock=Clock(skew_seconds=minutes * MINUTE))


@pytest.mark.parametrize(
    ("minutes", "fault", "code"),
    [
        (20, "the agent's clock is 20 minutes behind", 14),
        (-20, "the agent's clock is 20 minutes ahead", 14),
        (14, "the agent's clock is 14 minutes behind", 0),
        (-14, "the agent's clock is 14 minutes ahead", 0),
    ],
)
def test_the_clocks_differ(minutes, fault, code, tmp_path, note):
    with FaultyService(scenario=clock(minutes)) as service:
        done = scanned(service, tmp_path)
        opened = service.opened
    note(fault, done, opened)
    assert (done.code, kept(done, opened)) == (code, NOTHING if code else TASK), done.said[-3000:]
    assert ("clock differs" in done.err) == bool(code)


def dated(minutes):
    """The answer's `Date` is so far ahead of the truth."""

    def fault(exchange):
        answer = exchange.answer()
        now = parsedate_to_datetime(answer.headers["date"]).timestamp()
        headers = {**answer.headers, "date": formatdate(now + minutes * MINUTE, usegmt=True)}
        exchange.send(written(replace(answer, headers=headers)))

    return fault


@pytest.mark.parametrize(
    ("minutes", "operations", "fault", "code"),
    [
        # The task's own record says that it has ended, and a time that cannot be right proves nothing of its image.
        (20, POLLS, "during the wait, the service's clock jumps 20 minutes ahead", 17),
        (-20, POLLS, "during the wait, the service's clock jumps 20 minutes back", 17),
        (20, CREATE, "at the create alone, the service's clock is 20 minutes ahead", 17),
        (-20, CREATE, "at the create alone, the service's clock is 20 minutes behind", 17),
    ],
)
def test_the_services_clock_jumps(minutes, operations, fault, code, tmp_path, note):
    with FaultyService([Spoil(operations, dated(minutes), EVERY)], SCENARIOS["clean"]) as service:
        done = scanned(service, tmp_path, "--timeout", "6s")
        opened = service.opened
    note(fault, done, opened)
    assert (done.code, kept(done, opened)) == (code, TASK), done.said[-3000:]


def test_an_old_scan_is_no_proof_by_a_clock_that_stood_still(tmp_path, note):
    stale = SCENARIOS["stale"]
    with FaultyService([Spoil(INSTANCES, dated(0), EVERY)], stale) as service:
        done = scanned(service, tmp_path, "--timeout", "4s")
        opened = service.opened
    note("no status operation knows the new task, and an older scan has ended well", done, opened)
    assert (done.code, kept(done, opened)) == (16, TASK), done.said[-3000:]


def test_the_clock_is_wrong_at_the_create_alone(tmp_path, note):
    with FaultyService([Spoil(CREATE, spoilt.refusal(400, "InvalidTimeStamp.Expired"), EVERY)]) as service:
        done = scanned(service, tmp_path)
        opened = service.opened
    note("between quota and create, the agent's clock is set wrong", done, opened)
    assert (done.code, kept(done, opened)) == (14, NOTHING), done.said[-3000:]
