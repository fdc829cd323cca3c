"""Pages: their defaults, and what the scenarios about lists do to them."""

import pytest

ACTIONS = {
    "DescribeImageVulList": {"Type": "cve"},
    "DescribeImageGroupedVulList": {"Type": "sca"},
    "DescribeImageBaselineCheckResult": {},
    "DescribeGroupedMaliciousFiles": {},
    "DescribeImageSensitiveFileList": {},
    "DescribeImageBuildRiskByKey": {},
}
"""One list for each kind of finding."""
KEYS = ("Related", "BaselineNameKey", "MaliciousKey", "SensitiveFileKey", "RiskKey")


def scanned(here):
    here.uuid = here.create().body["Data"]["Uuid"]
    here.clock.now += 1
    return here


def page(here, action, number, size=100):
    """The ids on a page, and what its `TotalCount` says."""
    query = {"CurrentPage": str(number), "PageSize": str(size), "ImageUuid": here.uuid, **ACTIONS[action]}
    body = here.ask(action, **query).body
    body = body.get("Data", body)
    (rows,) = [value for value in body.values() if isinstance(value, list)]
    ids = [next(row[key] for key in KEYS if key in row) for row in rows]
    return ids, body.get("PageInfo", body)["TotalCount"]


def read(here, action, size=100):
    """The ids of all pages in their order, repeated ones too."""
    ids, number, total = [], 1, 1
    while len(ids) < total:
        more, total = page(here, action, number, size)
        if not more:
            break
        ids += more
        number += 1
    return ids


def cve(count, **more):
    return {"kind": "cve", "id": "CVE-{n}", "severity": "later", "repeat": count, **more}


@pytest.mark.parametrize(
    ("action", "query", "size"),
    [
        ("DescribeImageVulList", {"Type": "cve"}, 10),
        ("DescribeImageGroupedVulList", {}, 20),
        ("DescribeImageBaselineCheckResult", {"ImageUuid": "asset"}, 20),
        ("DescribeImageBaselineItemList", {"ImageUuid": "asset"}, 20),
        ("DescribeImageSensitiveFileList", {}, 20),
        ("DescribeImageSensitiveFileByKey", {}, 20),
    ],
)
def test_each_list_has_its_own_default_page(bench, action, query, size):
    kinds = ("cve", "baseline", "sensitive-file")
    here = bench(finding=[{"kind": kind, "id": "{n}", "severity": "high", "repeat": 30} for kind in kinds])
    here.create(Digest="a" * 64, Uuid="asset")
    here.clock.now += 1
    body = here.ask(action, **query).body
    (rows,) = [value for value in body.values() if isinstance(value, list)]
    where = body.get("PageInfo", body)
    assert (len(rows), where["PageSize"], where["CurrentPage"], where["TotalCount"]) == (size, size, 1, 30)


def test_pages_cut_the_list_and_end_empty(bench):
    here = scanned(bench(finding=[cve(5)]))
    pages = [page(here, "DescribeImageVulList", number, 2) for number in (1, 2, 3, 4)]
    assert [ids for ids, _ in pages] == [["CVE-0001", "CVE-0002"], ["CVE-0003", "CVE-0004"], ["CVE-0005"], []]
    assert {total for _, total in pages} == {5}


def test_a_partial_list_never_reaches_its_total(ready_made):
    here = scanned(ready_made("partial"))
    assert page(here, "DescribeImageVulList", 1) == (["CVE-2024-0003"], 3)
    assert page(here, "DescribeImageVulList", 2) == ([], 3)
    assert page(here, "DescribeGroupedMaliciousFiles", 1) == ([], 0)
    assert here.ask("DescribeImageSecurityScanCount").body["Data"] == {
        "ImageCveVulCount": 3,
        "ImageScaVulCount": 0,
        "ImageBaselineCount": 0,
        "ImageMaliciousFileCount": 0,
    }


def test_a_contradictory_sandbox_counts_what_it_does_not_list(ready_made):
    here = scanned(ready_made("contradictory"))
    assert page(here, "DescribeImageVulList", 1) == ([], 0)
    assert here.ask("DescribeImageSecurityScanCount").body["Data"]["ImageCveVulCount"] == 1


def test_an_unknown_severity_is_sent_as_it_is(ready_made):
    here = scanned(ready_made("unknown-severity"))
    (row,) = here.ask("DescribeImageVulList", Type="cve").body["VulRecords"]
    assert row["Necessity"] == "urgent"


@pytest.fixture
def moving(bench):
    """A bench with a list of two and a half pages of which one row moves."""
    return scanned(bench(finding=[cve(250)], lists={"moving": True}))


def test_a_moving_row_is_shown_twice_and_hides_another_until_the_list_is_read_again(moving):
    first, second, third = (read(moving, "DescribeImageVulList") for _ in range(3))
    assert len(first) == 250
    (twice,) = {one for one in first if first.count(one) == 2}
    (missed,) = set(second) - set(first)
    assert (first.index(twice), second.index(twice), second.index(missed)) == (0, 150, 99)
    assert len(set(second)) == 250
    assert second == third


def test_a_row_moves_once_for_each_scan_and_each_list(moving):
    read(moving, "DescribeImageVulList")
    settled = read(moving, "DescribeImageVulList")
    assert len(set(settled)) == 250
    scanned(moving)
    assert len(set(read(moving, "DescribeImageVulList"))) == 249
    assert read(moving, "DescribeImageVulList") == settled


def test_the_scan_of_another_image_moves_nothing(moving):
    read(moving, "DescribeImageVulList")
    ours = moving.uuid
    moving.create(Digest="c" * 64)
    moving.clock.now += 1
    query = {"Type": "cve", "CurrentPage": "1", "PageSize": "100", "Uuids": ours}
    rows = [moving.ask("DescribeImageVulList", **query).body["VulRecords"] for _ in range(3)]
    assert rows[1] == rows[2]
    moving.create(Digest="d" * 64)
    assert moving.ask("DescribeImageVulList", **query).body["VulRecords"] == rows[2]


def test_a_row_moves_within_a_list_of_one_page(bench):
    here = scanned(bench(finding=[cve(3)], lists={"moving": True}))
    assert page(here, "DescribeImageVulList", 1) == (["CVE-0001", "CVE-0002", "CVE-0003"], 3)
    assert page(here, "DescribeImageVulList", 1) == (["CVE-0002", "CVE-0003", "CVE-0001"], 3)


def test_all_lists_of_paged_hold_3000_findings_each_once_when_read_again(ready_made):
    here = scanned(ready_made("paged"))
    sizes = dict.fromkeys(ACTIONS, 100) | {"DescribeImageVulList": 1000, "DescribeImageGroupedVulList": 250}
    first = {action: read(here, action, size) for action, size in sizes.items()}
    again = {action: read(here, action, size) for action, size in sizes.items()}
    assert [len(set(ids)) for ids in first.values()] == [1999, 399, 149, 149, 149, 149]
    assert [len(set(ids)) for ids in again.values()] == [2000, 400, 150, 150, 150, 150]
