"""Malicious files: which there are by one list, and where they are by the other."""

from urllib.parse import parse_qsl

import pytest

from jenkins_scan.findings import Severity
from jenkins_scan.security_center.interface import Source
from tests.support.center import DIGEST, Replies, page, refused
from tests.support.finding_answers import MD5, PLACES, a_page, group, place


@pytest.fixture
def malicious(fetch):
    """Fetches the malicious files from one page of each list."""

    def malicious(groups, places):
        return fetch(Source.MALICIOUS_FILE, a_page(Source.MALICIOUS_FILE, *groups), page(PLACES, *places))

    return malicious


def test_a_malicious_file_is_told_once_for_each_place(malicious):
    listed = malicious([group()], [place(), place(Id=2, FilePath="/b")])
    assert [(each.id, each.path, each.title) for each in listed.findings] == [
        ("miner", "/b", "Mining program"),
        ("miner", "/opt/x/miner", "Mining program"),
    ]
    assert (listed.received, listed.total) == (1, 1)


@pytest.mark.parametrize("places", [[], [place(Status=1)], [place(MaliciousMd5="other", Status=3)]])
def test_a_malicious_file_without_an_open_place_is_still_one(places, malicious):
    (finding,) = malicious([group()], places).findings
    assert (finding.id, finding.path, finding.severity) == ("miner", None, Severity.CRITICAL)


def test_an_open_place_of_a_handled_file_is_a_finding(malicious):
    listed = malicious([group(Status=3)], [place()])
    assert [(each.id, each.path) for each in listed.findings] == [("miner", "/opt/x/miner")]
    assert listed.handled == 1


@pytest.mark.parametrize(
    ("in_group", "in_place", "severity"),
    [
        ("serious", None, Severity.CRITICAL),
        (None, "serious", Severity.CRITICAL),
        ("remind", "suspicious", Severity.HIGH),
        (None, "remind", Severity.UNKNOWN),
        ("remind", "remind", Severity.LOW),
        ("suspicious", "?", Severity.HIGH),
    ],
)
def test_where_the_two_lists_disagree_the_worse_level_counts(in_group, in_place, severity, malicious):
    (finding,) = malicious([group(Level=in_group)], [place(Level=in_place)]).findings
    assert finding.severity is severity


def test_a_file_with_two_names_has_the_ids_of_both(malicious):
    (finding,) = malicious([group(), group(MaliciousKey="trojan", Level="remind")], [place()]).findings
    assert (finding.id, finding.aliases) == ("miner", (MD5, "trojan"))


def test_a_place_whose_file_is_in_no_group_goes_by_its_hash(malicious):
    listed = malicious([group(MaliciousMd5=None)], [place()])
    assert {(each.id, each.path) for each in listed.findings} == {("miner", None), (MD5, "/opt/x/miner")}


def test_a_place_that_cannot_be_read_hides_neither_itself_nor_its_file(malicious):
    listed = malicious([group()], [place(MaliciousMd5=None)])
    assert {(each.id, each.path) for each in listed.findings} == {
        ("miner", None),
        ("unreadable-row-1", "/opt/x/miner"),
    }


def test_places_that_nobody_may_see_cost_the_paths_alone(fetch):
    listed = fetch(Source.MALICIOUS_FILE, a_page(Source.MALICIOUS_FILE, group()), refused("NoPermission", 403))
    assert [(each.id, each.path) for each in listed.findings] == [("miner", None)]
    assert listed.complete
    assert "missing action yundun-sas:DescribeAffectedMaliciousFileImages" in listed.complaints[0]


def test_places_that_are_not_whole_make_the_list_not_whole(fetch):
    answers = Replies(a_page(Source.MALICIOUS_FILE, group()), page(PLACES, place(), total=2), forever=True)
    listed = fetch(Source.MALICIOUS_FILE, answers)
    assert not listed.complete
    assert listed.complaints == ("DescribeAffectedMaliciousFileImages: TotalCount says 2, rows received: 1.",)


def test_an_unreadable_row_that_says_it_is_the_worst_of_all_stays_that(malicious):
    (finding,) = malicious([group(MaliciousKey=None, MaliciousMd5=None)], []).findings
    assert (finding.id, finding.severity) == ("unreadable-row-1", Severity.CRITICAL)


def test_the_places_of_malicious_files_are_asked_by_digest_and_only_where_there_are_any(fetch):
    replies = Replies(a_page(Source.MALICIOUS_FILE, group()), page(PLACES, place()))
    fetch(Source.MALICIOUS_FILE, replies)
    assert replies.asked == ["DescribeGroupedMaliciousFiles", "DescribeAffectedMaliciousFileImages"]
    sent = dict(parse_qsl(replies.requests[1].url.query.decode(), strict_parsing=True))
    assert sent == {"ImageDigest": DIGEST, "Lang": "en", "CurrentPage": "1", "PageSize": "100"}
