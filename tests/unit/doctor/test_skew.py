from email.utils import formatdate

import pytest

from jenkins_scan.doctor import skew
from jenkins_scan.doctor.service import Service
from jenkins_scan.errors import ClockSkew, ServiceUnreachable
from jenkins_scan.security_center.client import SecurityCenterClient
from jenkins_scan.security_center.connect import connect
from jenkins_scan.security_center.endpoints import Endpoint
from tests.support.center import CONNECT_ERROR, NOON, Canned, html
from tests.support.loopback_servers import loopback_servers


@pytest.fixture
def check(clock):
    """The clock against a real server on loopback whose Date is so many seconds ahead."""
    with loopback_servers() as start:

        def check(ahead=0, headers=None):
            date = {"date": formatdate(NOON + ahead, usegmt=True)}
            server = start(Canned(404, b"", date if headers is None else headers))
            endpoint = Endpoint(server.url)

            def client(credentials):
                assert credentials is None
                http = connect(endpoint, None, ca_bundle=None, environ={})
                return SecurityCenterClient(http, endpoint, None, clock)

            outcome = skew.check(Service(clock, pytest.fail, client))
            assert b"authorization" not in server.requests[0].lower()
            return outcome

        yield check


@pytest.mark.parametrize(
    ("ahead", "status", "seen"),
    [
        (0, "OK", "agree."),
        (40, "OK", "40 s behind the service's."),
        (-40, "OK", "40 s ahead of the service's."),
        (59, "OK", "60 s behind"),
        (100, "WARN", "100 s behind"),
        (-100, "WARN", "100 s ahead of"),
        (899, "WARN", "900 s behind"),
    ],
)
def test_the_difference_is_told(check, ahead, status, seen):
    outcome = check(ahead)
    assert outcome.status == status
    assert seen in outcome.seen


@pytest.mark.parametrize("ahead", [1000, -1000])
def test_beyond_fifteen_minutes_signatures_are_refused(check, ahead):
    with pytest.raises(ClockSkew, match="1000 s") as caught:
        check(ahead)
    assert caught.value.exit_code == 14


@pytest.mark.parametrize("headers", [{}, {"date": "yesterday"}])
def test_an_answer_without_a_date_is_a_warning(check, headers):
    assert check(headers=headers).status == "WARN"


def test_a_page_of_something_in_between_has_a_clock_too(canned):
    assert skew.check(canned(html(502))).status == "OK"


def test_no_answer_is_a_failure(canned):
    with pytest.raises(ServiceUnreachable):
        skew.check(canned(CONNECT_ERROR))


def test_nothing_is_sent_when_no_time_is_left(canned, clock):
    client = canned()._made(None)
    with pytest.raises(ServiceUnreachable, match="nothing was sent"):
        client.server_date(deadline=clock.monotonic())
