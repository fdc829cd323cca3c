"""Lists of findings: what is asked for, that no row is dropped, what is left out, and that no secret is kept."""

from urllib.parse import parse_qsl

import pytest

from jenkins_scan import errors
from jenkins_scan.findings import Kind, Severity
from jenkins_scan.security_center.interface import ImageKey, Source
from tests.support.center import DIGEST, REQUEST_ID, UUID, Replies, as_json, page, refused
from tests.support.finding_answers import BOTH, PLACES, ROW, a_page, cve, packages, place

PAGING = {"CurrentPage": "1", "PageSize": "100", "Lang": "en"}
ASKED = {
    Source.CVE: ("DescribeImageVulList", {"Type": "cve"}, {"Uuids": UUID}, {"Digest": DIGEST}),
    Source.SCA: ("DescribeImageGroupedVulList", {"Type": "sca"}, {"Uuids": UUID}, {"ImageDigest": DIGEST}),
    Source.BASELINE: ("DescribeImageBaselineCheckResult", {}, {"ImageUuid": UUID}, None),
    Source.MALICIOUS_FILE: ("DescribeGroupedMaliciousFiles", {}, None, {"ImageDigest": DIGEST}),
    Source.SENSITIVE_FILE: ("DescribeImageSensitiveFileList", {}, {"ImageUuid": UUID}, None),
    Source.BUILD_RISK: ("DescribeImageBuildRiskByKey", {}, {"ImageUuid": UUID}, None),
}


@pytest.mark.parametrize("source", Source)
@pytest.mark.parametrize("image", [BOTH, ImageKey(UUID, None), ImageKey(None, DIGEST), ImageKey(None, None)])
def test_a_list_is_asked_for_one_image_in_english_or_not_at_all(source, image, fetch):
    operation, others, by_uuid, by_digest = ASKED[source]
    key = by_uuid if by_uuid and image.uuid else by_digest if image.digest else None
    replies = Replies(a_page(source))
    listed = fetch(source, replies, image=image)
    if key is None:
        assert (listed.complete, listed.total, replies.requests) == (False, None, [])
        assert operation in listed.complaints[0]
    else:
        assert (listed.complete, listed.total, listed.findings) == (True, 0, ())
        assert replies.asked == [operation]
        sent = dict(parse_qsl(replies.requests[0].url.query.decode(), strict_parsing=True))
        assert sent == {**PAGING, **others, **key}


@pytest.mark.parametrize("source", Source)
def test_a_missing_action_is_named(source, fetch):
    with pytest.raises(errors.PermissionDenied) as caught:
        fetch(source, refused("NoPermission", 403))
    assert f"Grant yundun-sas:{ASKED[source][0]}" in caught.value.remedy


@pytest.mark.parametrize("source", [source for source in Source if source is not Source.MALICIOUS_FILE])
def test_every_page_is_read(source, fetch):
    replies = Replies(*(a_page(source, ROW[source](**unique(source, n)), total=3) for n in range(3)))
    listed = fetch(source, replies)
    assert (listed.complete, len(listed.findings)) == (True, 3)
    assert [dict(request.url.params)["CurrentPage"] for request in replies.requests] == ["1", "2", "3"]


def unique(source, number):
    """The fields that make a row another one."""
    names = {
        Source.CVE: "Name",
        Source.SCA: "Name",
        Source.BASELINE: "BaselineNameKey",
        Source.SENSITIVE_FILE: "SensitiveFileKey",
        Source.BUILD_RISK: "LayerCmd",
    }
    return {names[source]: f"key-{number}"}


CLOSED = {
    Source.CVE: {7},
    Source.SCA: {1, 3},
    Source.BASELINE: {1},
    Source.MALICIOUS_FILE: {1, 3},
    Source.SENSITIVE_FILE: {1},
    Source.BUILD_RISK: {1, 2},
}


@pytest.mark.parametrize("source", Source)
@pytest.mark.parametrize("status", [0, 1, 2, 3, 7, "7", None, True])
def test_only_what_the_server_calls_handled_is_left_out_and_it_is_counted(source, status, fetch):
    row = ROW[source](Status=status, UnprocessedNum=0)
    listed = fetch(source, Replies(a_page(source, row), page(PLACES), forever=True))
    closed = not isinstance(status, bool) and str(status) in map(str, CLOSED[source])
    assert (len(listed.findings), listed.handled, listed.received) == (0 if closed else 1, int(closed), 1)
    assert (listed.complete, listed.total) == (True, 1)


def test_a_kind_of_sensitive_file_is_open_while_one_of_its_files_is(fetch):
    row = ROW[Source.SENSITIVE_FILE](Status=1, UnprocessedNum=1)
    assert len(fetch(Source.SENSITIVE_FILE, a_page(Source.SENSITIVE_FILE, row)).findings) == 1


@pytest.mark.parametrize("row", [None, "text", [], {}, {"Name": "  "}])
@pytest.mark.parametrize("source", Source)
def test_a_row_that_cannot_be_read_is_a_finding_of_unknown_severity(source, row, fetch):
    listed = fetch(source, Replies(a_page(source, row), page(PLACES), forever=True))
    (finding,) = listed.findings
    assert (finding.id, finding.severity, finding.kind, finding.source) == (
        "unreadable-row-1",
        Severity.UNKNOWN,
        source.kind,
        source,
    )
    assert (listed.complete, listed.unreadable) == (True, 1)
    assert finding.title


def test_what_is_known_of_an_unreadable_row_is_kept_and_numbers_do_not_depend_on_the_order(fetch):
    nameless = [
        cve(Name=None, AliasName=None, Related=None, PrimaryId=number, Necessity="nntf", **packages({"Name": name}))
        for number, name in ((1, "b"), (2, "a"))
    ]
    one, other = (fetch(Source.CVE, a_page(Source.CVE, *rows)).findings for rows in (nameless, nameless[::-1]))
    assert one == other
    assert [(each.id, each.package, each.severity) for each in one] == [
        ("unreadable-row-1", "a", Severity.UNKNOWN),
        ("unreadable-row-2", "b", Severity.UNKNOWN),
    ]


def test_findings_stand_in_a_stable_order_the_worst_first(fetch):
    rows = [
        cve(Name=f"CVE-2024-{1000 + number}", Related=None, AliasName=None, PrimaryId=number, Necessity=word)
        for number, word in enumerate(["nntf", "asap", "?", "later", "asap"])
    ]
    one, other = (fetch(Source.CVE, a_page(Source.CVE, *each)).findings for each in (rows, rows[::-1]))
    assert one == other
    assert [(each.severity, each.id[-1]) for each in one] == [
        (Severity.HIGH, "1"),
        (Severity.HIGH, "4"),
        (Severity.MEDIUM, "3"),
        (Severity.LOW, "0"),
        (Severity.UNKNOWN, "2"),
    ]


def test_build_risks_that_differ_in_their_instruction_alone_are_two(fetch):
    rows = [ROW[Source.BUILD_RISK](LayerCmd=command) for command in ("USER root", "USER 0")]
    listed = fetch(Source.BUILD_RISK, a_page(Source.BUILD_RISK, *rows))
    assert (len(listed.findings), listed.complete) == (2, True)


@pytest.mark.parametrize("source", Source)
def test_a_list_that_ends_too_early_says_so_by_its_operation(source, fetch):
    listed = fetch(source, Replies(a_page(source, total=4), forever=True))
    assert not listed.complete
    assert listed.complaints == (f"{ASKED[source][0]}: TotalCount says 4, rows received: 0.",)


def test_secrets_and_samples_never_leave_the_wire(fetch):
    marker = "MUST-NOT-LEAVE"
    hidden = {"Promt": marker, "DownloadUrl": marker, "LayerCmd": marker, "HighLight": marker, "Description": marker}
    for source in Source:
        answers = [a_page(source, ROW[source](**hidden), marker), page(PLACES, place(**hidden))]
        assert marker not in repr(fetch(source, Replies(*answers, forever=True)))


@pytest.mark.parametrize(
    ("image", "key"), [(BOTH, {"ImageUuid": UUID}), (ImageKey(None, DIGEST), {"ImageDigest": DIGEST})]
)
def test_open_findings_are_counted_for_one_image(image, key, clock):
    replies = Replies(as_json({"RequestId": REQUEST_ID, "Data": {"ImageCveVulCount": "2", "ImageScaVulCount": None}}))
    counts = replies.client(clock).results.counts(image, deadline=clock.monotonic() + 30)
    assert (counts.value, counts.request_id) == ({Source.CVE: 2}, REQUEST_ID)
    assert dict(replies.requests[0].url.params) == {**key, "Dealed": "N"}


def test_nothing_is_counted_for_no_image_in_particular(clock):
    with pytest.raises(ValueError, match="no image in particular"):
        Replies().client(clock).results.counts(ImageKey(None, None), deadline=clock.monotonic() + 30)


def test_counts_without_data_are_not_understood(clock):
    with pytest.raises(errors.AnswerNotUnderstood, match="Data"):
        Replies(as_json({})).client(clock).results.counts(BOTH, deadline=clock.monotonic() + 30)


def test_every_source_has_its_kind():
    assert {source: source.kind for source in Source if source.value not in set(Kind)} == {
        Source.CVE: Kind.VULNERABILITY,
        Source.SCA: Kind.VULNERABILITY,
    }
