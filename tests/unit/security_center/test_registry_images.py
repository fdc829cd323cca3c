"""The images that a filter means: how the service is asked for them, which of its rows count, and whether all came."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan import errors
from jenkins_scan.security_center.interface import ListedName, Phase
from jenkins_scan.security_center.registry_operations import MOST_VALUES
from jenkins_scan.security_center.registry_scans import ImageFilter
from tests.support.center import DIGEST, NOON, REQUEST_ID, Canned, FakeClock, Replies, as_json, html, page, refused

OTHER = "b" * 64


def row(uuid, **fields):
    return {"Uuid": uuid, **fields}


def rows(*given_rows, total=None):
    return page("ImageInstanceList", *given_rows, total=total)


def images(replies, wanted, **more):
    clock = FakeClock()
    return replies.client(clock).registries.images(wanted, deadline=clock.monotonic() + 60, **more)


def criteria(replies):
    """What each request asked for, by name."""
    asked = [json.loads(request.url.params.get("Criteria", "[]")) for request in replies.requests]
    return [{item["name"]: item["value"] for item in items} for items in asked]


def uuids(answer):
    return [image.status.uuid for image in answer.value.images]


def service(listed):
    """The replies of a service that lists these rows: it keeps to the criteria, and pages as it is asked to."""

    def answer(request):
        asked = json.loads(request.url.params.get("Criteria", "[]"))
        found = [
            each
            for each in listed
            if all(each[item["name"][0].upper() + item["name"][1:]] == item["value"] for item in asked)
        ]
        size = int(request.url.params["PageSize"])
        first = (int(request.url.params["CurrentPage"]) - 1) * size
        return rows(*found[first : first + size], total=len(found))

    return Replies(answer, forever=True)


def test_every_named_value_has_to_hold():
    replies = Replies(rows())
    wanted = ImageFilter(
        registry_types=("acr",),
        region_ids=("cn-hangzhou",),
        instance_ids=("cri-1",),
        repo_namespaces=("ns",),
        repo_ids=("crr-1",),
        repo_names=("app",),
        digests=(DIGEST,),
        tags=("1.0",),
        source_ip="192.0.2.1",
    )
    assert images(replies, wanted).value.complete
    (request,) = replies.requests
    assert criteria(replies) == [
        {
            "digest": DIGEST,
            "repoId": "crr-1",
            "tag": "1.0",
            "repoName": "app",
            "repoNamespace": "ns",
            "instanceId": "cri-1",
            "regionId": "cn-hangzhou",
            "registryType": "acr",
        }
    ]
    assert request.url.params["LogicalExp"] == "AND"
    assert set(request.url.params) == {"Criteria", "LogicalExp", "CurrentPage", "PageSize"}


def test_every_image_is_asked_for_without_criteria():
    replies = Replies(rows(row("1")))
    assert uuids(images(replies, ImageFilter(), everything=True)) == ["1"]
    assert set(replies.requests[0].url.params) == {"CurrentPage", "PageSize"}


def test_of_several_values_each_is_asked_for_once():
    replies = Replies(rows(row("1", Digest=DIGEST)), rows(row("2", Digest=OTHER), row("1", Digest=OTHER)))
    answer = images(replies, ImageFilter(digests=(DIGEST, OTHER, DIGEST), repo_names=("app",)))
    assert criteria(replies) == [{"digest": DIGEST, "repoName": "app"}, {"digest": OTHER, "repoName": "app"}]
    assert uuids(answer) == ["1", "2"]
    assert answer.value.complete


@given(
    listed=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.sampled_from("pq")), max_size=12),
    wanted=st.tuples(*[st.lists(st.sampled_from(each), unique=True, max_size=3) for each in ("abc", "xyz", "pq")]),
)
def test_what_is_listed_is_what_the_filter_means(listed, wanted):
    tags, names, spaces = wanted
    shelf = [
        row(str(place), Tag=tag, RepoName=name, RepoNamespace=space) for place, (tag, name, space) in enumerate(listed)
    ]
    filtered = ImageFilter(tags=tuple(tags), repo_names=tuple(names), repo_namespaces=tuple(spaces))
    found = images(service(shelf), filtered, everything=True)
    meant = [
        str(place)
        for place, (tag, name, space) in enumerate(listed)
        if (not tags or tag in tags) and (not names or name in names) and (not spaces or space in spaces)
    ]
    assert sorted(uuids(found)) == sorted(meant)
    assert found.value.complete


def test_rows_that_the_filter_does_not_mean_are_left_out():
    replies = Replies(rows(row("1", Tag="1.0"), row("2", Tag="2.0"), row("3"), row("4", Tag="1.0", RepoName="other")))
    assert uuids(images(replies, ImageFilter(tags=("1.0",), repo_names=("app",)))) == ["1", "3"]


def test_an_image_says_which_registry_holds_it():
    told = row(
        "1",
        RegistryType="harbor",
        RegionId="cn-hangzhou",
        InstanceId="i-1",
        RepoId="crr-1",
        RepoName="app",
        RepoNamespace="ns",
        Tag="1.0",
        Digest=f"sha256:{DIGEST.upper()}",
        ScaStatus="",
    )
    answer = images(Replies(rows(told)), ImageFilter(digests=(DIGEST,)))
    (image,) = answer.value.images
    assert (image.registry_type, image.region_id, image.instance_id, image.repo_id) == (
        "harbor",
        "cn-hangzhou",
        "i-1",
        "crr-1",
    )
    assert (image.status.phase, image.status.scanned_at, image.status.name) == (
        Phase.UNKNOWN,
        None,
        ListedName("ns", "app", "1.0"),
    )
    assert (answer.request_id, answer.server_time) == (REQUEST_ID, NOON)


def test_every_page_is_read():
    replies = service([row(str(number), Tag="1.0") for number in range(250)])
    answer = images(replies, ImageFilter(tags=("1.0",)))
    assert uuids(answer) == [str(number) for number in range(250)]
    assert answer.value.complete
    assert [request.url.params["CurrentPage"] for request in replies.requests] == ["1", "2", "3"]


def test_a_list_that_is_cut_says_so():
    replies = Replies(rows(row("1"), total=2), rows(total=2), forever=True)
    answer = images(replies, ImageFilter(tags=("1.0",)))
    assert (uuids(answer), answer.value.complete) == (["1"], False)
    assert answer.value.complaints == ("TotalCount says 2, rows received: 1",)


def test_more_values_than_are_asked_for_are_not_hidden():
    names = tuple(f"app{number}" for number in range(MOST_VALUES + 1))
    replies = Replies(rows(), forever=True)
    answer = images(replies, ImageFilter(repo_names=names))
    assert len(replies.requests) == MOST_VALUES
    assert not answer.value.complete
    assert answer.value.complaints == (f"only {MOST_VALUES} of {MOST_VALUES + 1} values of repoName were asked for",)


def test_a_later_page_that_cannot_be_read_is_a_complaint_and_the_first_one_an_error():
    replies = Replies(rows(row("1"), total=2), refused("NoPermission", 403))
    answer = images(replies, ImageFilter(tags=("1.0",)))
    assert (uuids(answer), answer.value.complete) == (["1"], False)
    assert "page 2 could not be read" in answer.value.complaints[0]
    with pytest.raises(errors.PermissionDenied) as caught:
        images(Replies(refused("NoPermission", 403)), ImageFilter(tags=("1.0",)))
    assert "Grant yundun-sas:DescribeImageInstances " in caught.value.remedy
    with pytest.raises(errors.AnswerNotUnderstood):
        images(Replies(html(200), forever=True), ImageFilter(tags=("1.0",)))


def test_a_newer_reading_of_a_row_counts():
    """A row that is added meanwhile makes a second reading necessary."""
    first = [rows(row("1", ScaStatus="INIT"), total=2), rows(row("2"), row("3"), total=3), rows(total=3)]
    second = [rows(row("1", ScaStatus="SUCCESS", LastScanTime=1), row("2"), row("3"), total=3)]
    answer = images(Replies(*first, *second), ImageFilter(tags=("1.0",)))
    assert (uuids(answer), answer.value.images[0].status.word) == (["1", "2", "3"], "SUCCESS")
    assert answer.value.complete


def test_rows_without_a_uuid_are_told_apart_by_what_they_say():
    replies = Replies(rows({"Tag": "1.0"}, {"Tag": "1.0", "RepoName": "app"}))
    assert len(images(replies, ImageFilter(tags=("1.0",))).value.images) == 2


@pytest.mark.parametrize("odd", [None, 5, "text", [], {}, {"Uuid": 7}, {"ScaStatus": ["SUCCESS"]}])
def test_a_row_that_cannot_be_read_is_an_image_of_which_nobody_knows_anything(odd):
    (image,) = images(Replies(rows(odd)), ImageFilter(tags=("1.0",))).value.images
    assert (image.status.phase, image.status.word, image.status.uuid) == (Phase.UNKNOWN, "", None)


@pytest.mark.parametrize("body", [{}, {"ImageInstanceList": None}, {"ImageInstanceList": {}}, {"PageInfo": {}}])
def test_a_list_that_is_missing_is_not_an_empty_one(body):
    with pytest.raises(errors.AnswerNotUnderstood):
        images(Replies(as_json(body)), ImageFilter(tags=("1.0",)))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
        lambda parts: (
            st.lists(parts, max_size=3)
            | st.dictionaries(st.sampled_from(["Uuid", "Digest", "Tag", "ScaStatus", "RegionId"]), parts, max_size=5)
        ),
        max_leaves=8,
    )
)
def test_any_rows_are_images_or_an_error(anything):
    body = {"TotalCount": 1, "ImageInstanceList": anything}
    try:
        found = images(Replies(Canned(200, json.dumps(body).encode()), forever=True), ImageFilter(digests=(DIGEST,)))
    except errors.ScanError:
        return
    assert found.value.complete or found.value.complaints
    assert all(image.status.digest in (None, DIGEST) for image in found.value.images)
