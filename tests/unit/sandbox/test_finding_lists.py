"""The lists of findings show what the scenario says was found, in the shape of their API pages."""

import pytest

from jenkins_scan import sandbox

DIGEST = "a" * 64
PAGE = {"CurrentPage": "1", "PageSize": "100"}
END_MS = 1_735_819_201_000
CVE, GROUPED, COUNT = "DescribeImageVulList", "DescribeImageGroupedVulList", "DescribeImageSecurityScanCount"
BASELINE, ITEMS = "DescribeImageBaselineCheckResult", "DescribeImageBaselineItemList"
SECRETS, SECRET = "DescribeImageSensitiveFileList", "DescribeImageSensitiveFileByKey"
MALICIOUS, AFFECTED = "DescribeGroupedMaliciousFiles", "DescribeAffectedMaliciousFileImages"
BUILD = "DescribeImageBuildRiskByKey"


def scanned(here):
    """The scenario's bench after one task came to its end, and the UUID of its image."""
    form = {"Digest": DIGEST, "ImageId": "b" * 64, "Namespace": "ns", "RepoName": "app", "Tag": "1.0"}
    uuid = here.create(**form).body["Data"]["Uuid"]
    here.clock.now += 1
    return here, uuid


def finding(kind="cve", id="CVE-2024-0001", severity="asap", **more):  # noqa: A002  the key of a scenario file
    return {"kind": kind, "id": id, "severity": severity, **more}


def rows(here, action, **query):
    """The rows of the first page, in English."""
    defaults = {**PAGE, "Lang": "en", **({"Type": "cve"} if action == CVE else {})}
    body = here.ask(action, **(defaults | query)).body
    body = body.get("Data", body)
    (found,) = [value for value in body.values() if isinstance(value, list)]
    return found


def test_a_vulnerability_has_the_fields_of_its_page(ready_made):
    here, uuid = scanned(ready_made("vulnerable"))
    first = rows(here, CVE, Digest=DIGEST)[0]
    entries = first["ExtendContentJson"].pop("RpmEntityList")
    assert first | {"PrimaryId": 0} == {
        "PrimaryId": 0,
        "Name": "debian:12:CVE-2024-0001",
        "AliasName": "CVE-2024-0001 on Debian Linux 12",
        "Related": "CVE-2024-0001",
        "Type": "cve",
        "Necessity": "asap",
        "Status": 1,
        "CanFix": "yes",
        "FirstTs": END_MS,
        "LastTs": END_MS,
        "ImageDigest": DIGEST,
        "Uuid": uuid,
        "RepoName": "app",
        "RepoNamespace": "ns",
        "Tag": "1.0",
        "Layers": ["6ec898e6274f942e0e4a053eff1c3119026a6704e56cff206b2cec71f6360001"],
        "ExtendContentJson": {"Os": "debian", "OsRelease": "12"},
    }
    assert [entry["Name"] for entry in entries] == ["libexample", "libexample-tools"]
    assert entries[0] == {
        "Name": "libexample",
        "Version": "1.2.3",
        "FullVersion": "1.2.3-1",
        "Path": "/usr/lib/libexample.so",
        "Layer": "6ec898e6274f942e0e4a053eff1c3119026a6704e56cff206b2cec71f6360001",
        "UpdateCmd": "apt-get install --only-upgrade libexample",
        "MatchDetail": "libexample version 1.2.3-1",
        "MatchList": ["libexample version 1.2.3-1"],
    }


def test_an_application_vulnerability_has_no_package_and_counts_by_severity(ready_made):
    here, _ = scanned(ready_made("vulnerable"))
    assert rows(here, GROUPED, Type="sca", ImageDigest=DIGEST) == [
        {
            "Name": "SCA:ACSV-2024-000101",
            "AliasName": "example-lib remote code execution",
            "Related": "CVE-2024-0101",
            "Type": "sca",
            "AsapCount": 1,
            "LaterCount": 0,
            "NntfCount": 0,
            "CveScore": "5.0",
            "CanFix": "yes",
            "Status": 0,
            "Tags": "",
            "GmtLast": END_MS,
            "LastScanTime": END_MS,
        }
    ]


def test_a_group_of_vulnerabilities_counts_each_severity_it_knows(bench):
    found = [
        finding("sca"),
        finding("sca"),
        finding("sca", severity="nntf", fixable=False),
        finding("sca", severity="x"),
    ]
    here, _ = scanned(bench(finding=found))
    (row,) = rows(here, GROUPED)
    assert (row["Name"], row["AsapCount"], row["LaterCount"], row["NntfCount"]) == ("SCA:CVE-2024-0001", 2, 0, 1)


def test_a_baseline_and_its_item_have_the_fields_of_their_pages(ready_made):
    here, uuid = scanned(ready_made("vulnerable"))
    assert rows(here, BASELINE, ImageUuid=uuid, RiskLevel="high") == [
        {
            "BaselineNameKey": "ak_leak",
            "BaselineNameAlias": "AccessKey leak",
            "BaselineClassAlias": "Sandbox class",
            "BaselineNameLevel": "high",
            "BaselineItemCount": 1,
            "HighRiskItemCount": 1,
            "MiddleRiskItemCount": 0,
            "LowRiskItemCount": 0,
            "Status": 0,
            "FirstScanTime": END_MS,
            "LastScanTime": END_MS,
        }
    ]
    assert rows(here, ITEMS, ImageUuid=uuid, BaselineNameKey="ak_leak") == [
        {
            "BaselineItemKey": "ak_leak",
            "BaselineItemAlias": "AccessKey leak",
            "BaselineNameKey": "ak_leak",
            "BaselineNameAlias": "AccessKey leak",
            "BaselineClassKey": "sandbox_class",
            "BaselineClassAlias": "Sandbox class",
            "Status": 0,
            "WhiteList": 0,
        }
    ]


def test_a_sensitive_file_has_the_fields_of_its_pages(ready_made):
    here, uuid = scanned(ready_made("vulnerable"))
    both = {
        "SensitiveFileKey": "npm_token",
        "SensitiveFileName": "NPM access token",
        "RiskLevel": "high",
        "Description": "NPM access token was found",
        "Advice": "Remove the file and revoke what it holds",
        "FirstScanTime": END_MS,
        "LastScanTime": END_MS,
    }
    grouped = {"ClassKey": "sandbox", "ClassName": "Sandbox", "Count": 1, "UnprocessedNum": 1, "Status": 0}
    assert rows(here, SECRETS, ImageUuid=uuid) == [both | grouped]
    (single,) = rows(here, SECRET, ImageUuid=uuid)
    assert len(single.pop("Md5")) == 32
    assert single == both | {
        "FilePath": "/app/.npmrc",
        "LayerDigest": "6ec898e6274f942e0e4a053eff1c3119026a6704e56cff206b2cec71f6360001",
        "Promt": sandbox.SECRET_TEXT,
    }
    body = here.ask(SECRETS, ImageUuid=uuid).body
    assert (body["Code"], body["Success"], body["Message"], body["HttpStatusCode"]) == ("200", True, "successful", 200)
    assert body["PageInfo"] == {"CurrentPage": 1, "PageSize": 20, "TotalCount": 1, "Count": 1, "LastRowKey": ""}


def test_a_malicious_file_has_the_fields_of_its_pages(ready_made):
    here, uuid = scanned(ready_made("vulnerable"))
    grouped = rows(here, MALICIOUS, ImageDigest=DIGEST, Levels="serious")[0]
    md5 = grouped["MaliciousMd5"]
    both = {
        "MaliciousMd5": md5,
        "Level": "serious",
        "Status": 0,
        "FirstScanTimestamp": END_MS,
        "LatestScanTimestamp": END_MS,
    }
    assert grouped == both | {"MaliciousKey": "miner", "MaliciousName": "Mining program", "ImageCount": 1}
    (single,) = rows(here, AFFECTED, ImageDigest=DIGEST, MaliciousMd5=md5)
    assert isinstance(single.pop("Id"), int)
    assert single == both | {
        "FilePath": "/opt/x/miner",
        "Layer": "6ec898e6274f942e0e4a053eff1c3119026a6704e56cff206b2cec71f6360001",
        "Digest": DIGEST,
        "ImageUuid": uuid,
        "Image": "ns/app:1.0",
        "RepoName": "app",
        "Namespace": "ns",
        "Tag": "1.0",
        "DownloadUrl": sandbox.SAMPLE_URL,
    }


def test_a_build_risk_has_the_fields_of_its_page(ready_made):
    here, uuid = scanned(ready_made("vulnerable"))
    body = here.ask(BUILD, ImageUuid=uuid, Lang="en").body
    assert set(body) == {"RequestId", "Code", "Success", "Message", "Data"}
    assert body["Data"]["PageInfo"] == {"CurrentPage": 1, "PageSize": 20, "TotalCount": 1}
    assert body["Data"]["List"] == [
        {
            "RiskKey": "no_user",
            "RiskKeyName": "Runs as root",
            "RiskClass": "sandbox",
            "RiskClassName": "Sandbox",
            "RiskLevel": "medium",
            "LayerDigest": "6ec898e6274f942e0e4a053eff1c3119026a6704e56cff206b2cec71f6360001",
            "LayerCmd": f"ENV NPM_TOKEN={sandbox.SECRET_TEXT}",
            "Promt": sandbox.SECRET_TEXT,
            "Description": "Runs as root",
            "Advice": "Change the build instruction",
        }
    ]


@pytest.mark.parametrize(("dealed", "cve"), [("", 4), ("A", 4), ("N", 3), ("y", 1)])
def test_the_count_is_that_of_the_lists(ready_made, dealed, cve):
    here, uuid = scanned(ready_made("vulnerable"))
    data = here.ask(COUNT, ImageUuid=uuid, Dealed=dealed).body["Data"]
    handled_only = dealed == "y"
    assert data == {
        "ImageCveVulCount": cve,
        "ImageScaVulCount": 0 if handled_only else 1,
        "ImageBaselineCount": 0 if handled_only else 2,
        "ImageMaliciousFileCount": 0 if handled_only else 2,
    }
    assert len(rows(here, CVE, Uuids=uuid, Dealed=dealed.lower().replace("a", ""))) == cve


@pytest.mark.parametrize(
    ("action", "query", "ids"),
    [
        (CVE, {}, ["1", "2"]),
        (CVE, {"Necessity": "asap,later"}, ["1"]),
        (CVE, {"StatusList": "7"}, ["2"]),
        (CVE, {"Name": "debian:12:2"}, ["2"]),
        (CVE, {"Dealed": "n"}, ["1"]),
        (GROUPED, {}, ["1", "2", "1", "2"]),
        (GROUPED, {"Type": "sca"}, ["1", "2"]),
        (GROUPED, {"Type": "cve", "Necessity": "nntf"}, ["2"]),
        (GROUPED, {"CveId": "1"}, ["1", "1"]),
        (GROUPED, {"Name": "SCA:2"}, ["2"]),
    ],
)
def test_the_filters_on_vulnerabilities(bench, action, query, ids):
    kinds = [
        finding(kind, str(n), word, handled=n == 2) for kind in ("cve", "sca") for n, word in ((1, "asap"), (2, "nntf"))
    ]
    here, _ = scanned(bench(finding=kinds))
    assert [row["Related"] for row in rows(here, action, **query)] == ids


@pytest.mark.parametrize(
    ("action", "kind", "query", "statuses"),
    [
        (CVE, "cve", {}, [1, 7]),
        (GROUPED, "cve", {}, [0, 1]),
        (BASELINE, "baseline", {"ImageUuid": "asset"}, [0, 1]),
        (ITEMS, "baseline", {"ImageUuid": "asset"}, [0, 1]),
        (ITEMS, "baseline", {"ImageUuid": "asset", "Status": "0"}, [0]),
        (ITEMS, "baseline", {"ImageUuid": "asset", "BaselineClassKey": "other"}, []),
        (SECRETS, "sensitive-file", {}, [0, 1]),
        (MALICIOUS, "malicious-file", {}, [0, 1]),
        (AFFECTED, "malicious-file", {"Status": "1"}, [1]),
        (BUILD, "build-risk", {"Status": "0"}, [None]),
        (BUILD, "build-risk", {}, [None, None]),
        (BUILD, "build-risk", {"RiskKey": "open"}, [None]),
    ],
)
def test_a_handled_finding_is_listed_with_the_status_that_says_so(bench, action, kind, query, statuses):
    here = bench(finding=[finding(kind, "open"), finding(kind, "gone", handled=True)])
    here.create(Digest=DIGEST, Uuid="asset")
    here.clock.now += 1
    assert [row.get("Status") for row in rows(here, action, **query)] == statuses


def test_files_of_one_key_are_one_row_of_a_grouped_list_and_one_row_each_of_the_other(bench):
    found = [
        finding(kind, "key", "high", path=f"/{n}") for kind in ("sensitive-file", "malicious-file") for n in (1, 2)
    ]
    here, uuid = scanned(bench(finding=found))
    (row,) = rows(here, SECRETS, ImageUuid=uuid)
    assert (row["Count"], row["UnprocessedNum"]) == (2, 2)
    assert [one["FilePath"] for one in rows(here, SECRET, ImageUuid=uuid, SensitiveFileKey="key")] == ["/1", "/2"]
    assert len(rows(here, MALICIOUS)) == 1
    assert [one["FilePath"] for one in rows(here, AFFECTED)] == ["/1", "/2"]


def test_a_finding_without_package_version_path_or_title_still_has_a_row(bench):
    found = [finding(), finding(package="lib", fixable=False), finding("sensitive-file", "pem")]
    here, uuid = scanned(bench(finding=found))
    plain, packaged = rows(here, CVE)
    assert (plain["AliasName"], plain["ExtendContentJson"]["RpmEntityList"]) == ("CVE-2024-0001", [])
    (entry,) = packaged["ExtendContentJson"]["RpmEntityList"]
    assert (entry["FullVersion"], entry["Path"], entry["UpdateCmd"], packaged["CanFix"]) == ("1.0", "", "", "no")
    assert rows(here, SECRET, ImageUuid=uuid)[0]["FilePath"] == "/sandbox/pem"


@pytest.mark.parametrize("language", [{}, {"Lang": "zh"}, {"Lang": "EN"}])
def test_texts_are_chinese_unless_the_language_is_en(ready_made, language):
    here, uuid = scanned(ready_made("vulnerable"))
    body = here.ask(SECRETS, ImageUuid=uuid, **language).body
    (row,) = body["SensitiveFileList"]
    assert all(row[name].startswith("沙箱示例") for name in ("SensitiveFileName", "ClassName", "Description", "Advice"))
    assert row["RiskLevel"] == "high"


@pytest.mark.parametrize(
    ("glob", "found"),
    [
        ("*", True),
        ("ns/app:1.0", True),
        ("ns/app", True),
        ("*/app:*", True),
        ("a" * 64, True),
        ("web", False),
        ("app", False),
    ],
)
def test_a_finding_belongs_to_the_images_that_its_glob_names(bench, glob, found):
    here, _ = scanned(bench(finding=[finding(image=glob)]))
    assert bool(rows(here, CVE)) == found


@pytest.mark.parametrize(
    ("action", "query", "found"),
    [
        (CVE, {"Digest": DIGEST}, 1),
        (CVE, {"Digest": f"sha256:{DIGEST}"}, 0),
        (CVE, {"Uuids": "one,two"}, 2),
        (CVE, {"Uuids": "two"}, 1),
        (CVE, {"Digest": DIGEST, "Uuids": "two"}, 0),
        (CVE, {}, 2),
        (GROUPED, {"ImageDigest": "c" * 64}, 1),
        (GROUPED, {"RepoNamespace": "ns", "RepoName": "web", "ImageTag": "1.0"}, 1),
        (CVE, {"Tag": "2.0"}, 0),
    ],
)
def test_the_image_is_selected_by_any_of_its_names(bench, action, query, found):
    here = bench(finding=[finding()])
    here.create(Digest=DIGEST, Uuid="one", Namespace="ns", RepoName="app", Tag="1.0")
    here.create(Digest="c" * 64, Uuid="two", Namespace="ns", RepoName="web", Tag="1.0")
    here.clock.now += 1
    assert len(rows(here, action, **query)) == found


@pytest.mark.parametrize(
    ("action", "query", "code"),
    [
        (CVE, {"Type": "sca"}, "InvalidType"),
        (GROUPED, {"Type": "app"}, "InvalidType"),
        (SECRETS, {"PageSize": "-1"}, "InvalidPageSize"),
    ],
)
def test_a_wrong_parameter_is_refused(bench, action, query, code):
    assert bench().ask(action, **query).refusal == (400, code)


@pytest.mark.parametrize(
    ("course", "seconds"),
    [({}, 0.9), ({"end": "FAIL"}, 2), ({"result": "TASK_NOT_SUPPORT_REGION"}, 2), ({"hidden": True}, 0.9)],
)
def test_there_is_nothing_to_list_before_a_task_of_ours_succeeded(bench, course, seconds):
    here = bench(finding=[finding()], task=course)
    here.create()
    here.clock.now += seconds
    assert rows(here, CVE) == []
    assert here.ask(COUNT).body["Data"]["ImageCveVulCount"] == 0


def test_the_findings_of_an_earlier_task_stay_while_the_next_one_runs(bench):
    here, _ = scanned(bench(finding=[finding()], task={"result": "SUCCESS"}))
    here.create()
    assert len(rows(here, CVE)) == 1


def test_the_findings_of_a_wrong_image_name_the_wrong_image(bench):
    found = [finding(), finding("malicious-file", "miner", "serious")]
    here, uuid = scanned(bench(task={"scanned_digest": "d" * 64}, finding=found))
    assert rows(here, CVE, Uuids=uuid)[0]["ImageDigest"] == "d" * 64
    assert rows(here, AFFECTED)[0]["Digest"] == "d" * 64
