"""A scenario is data: ready-made by name, or a TOML file whose mistakes are named with their place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.errors import ConfigurationError
from jenkins_scan.sandbox.images import Image
from jenkins_scan.sandbox.scenarios import LARGEST_FILE, SCENARIOS, load_scenario, scenario_table

READY_MADE = [
    "clean",
    "vulnerable",
    "quota-low",
    "quota-exhausted",
    "quota-runs-out",
    "no-permission",
    "not-activated",
    "server-error",
    "throttled",
    "html-503",
    "soft-failure",
    "lost-answer",
    "clock-skew",
    "slow",
    "stale",
    "scan-failed",
    "scan-timeout",
    "partial",
    "contradictory",
    "wrong-image",
    "unknown-status",
    "unknown-severity",
    "poll-denied",
    "busy",
    "busy-then-free",
    "unsupported-region",
    "not-synced",
    "paged",
]


def test_these_scenarios_are_ready_made():
    assert list(SCENARIOS) == READY_MADE
    assert [load_scenario(name).name for name in READY_MADE] == READY_MADE


def test_the_table_has_a_described_row_for_each():
    rows = scenario_table().splitlines()
    assert rows[:2] == ["| scenario | what happens |", "|---|---|"]
    assert [row.split("`")[1] for row in rows[2:]] == READY_MADE
    assert all(row.count("|") == 3 and row.endswith(". |") for row in rows[2:])


def test_a_file_with_every_key_is_read(tmp_path):
    path = tmp_path / "storm.toml"
    path.write_text(
        """
        name = "storm"
        description = "everything"
        denied = ["DescribeImageLatestScanTask"]
        quota = { capacity = 7, used = 2, lasts_for = 0.5 }
        account = { activated = false, synchronised = false }
        limit = { tasks = 3, jenkins = true, foreign = 1, foreign_seconds = 5 }
        clock = { skew_seconds = -60, finish_after = 2.5 }
        lists = { missing = 1, withheld = true, moving = true }
        [task]
        words = ["INIT", "ACTIVE"]
        end = "FAIL"
        result = "TASK_NOT_EXISTS"
        hidden = true
        scanned_digest = "0"
        scanned_image_id = "1"
        [[finding]]
        kind = "cve"
        id = "CVE-2024-{n}"
        severity = "asap"
        name = "debian:CVE-2024-{n}"
        title = "CVE-2024-{n} in lib"
        package = "lib{n}"
        version = "1"
        path = "/usr/{n}"
        layer = "layer"
        layer_cmd = "RUN make"
        fixable = false
        handled = true
        image = "team/*"
        repeat = 2
        [[fault]]
        operation = "CreateJenkinsImageScanTask"
        times = 3
        status = 502
        body = "<html>"
        content_type = "text/html"
        headers = { Server = "proxy" }
        after_effect = true
        [[fault]]
        operation = ["PublicCreateImageScanTask", "PublicSyncAndCreateImageScanTask"]
        drop = true
        [[registry]]
        type = "quay"
        region_id = "eu-west-1"
        instance_id = "quay-1"
        [[registry.repository]]
        namespace = "team"
        name = "app"
        id = "repo-7"
        [registry.repository.tags]
        "1.0" = "DIGEST"
        "1.1" = { digest = "DIGEST", image_id = "DIGEST" }
    """.replace("DIGEST", "d" * 64)
    )
    scenario = load_scenario(str(path))
    assert (scenario.name, scenario.quota.capacity, scenario.clock.finish_after) == ("storm", 7, 2.5)
    assert [fault.http_status for fault in scenario.fault] == [502, 200]
    assert scenario.fault[1].operation == ("PublicCreateImageScanTask", "PublicSyncAndCreateImageScanTask")
    assert not scenario.account.activated
    assert scenario.limit.tasks == 3
    (registry,) = scenario.registry
    place = ("team", "app", "1.0", "", "quay", "eu-west-1", "quay-1", "repo-7")
    assert registry.images == (
        Image("d" * 64, "", *place),
        Image("d" * 64, "d" * 64, *place[:2], "1.1", *place[3:]),
    )
    assert [(one.id, one.package, one.repeat) for one in scenario.findings] == [
        ("CVE-2024-0001", "lib0001", 1),
        ("CVE-2024-0002", "lib0002", 1),
    ]


def test_the_name_of_a_file_is_the_default_name(tmp_path):
    (tmp_path / "calm.toml").write_text("")
    scenario = load_scenario("calm.toml")
    assert (scenario.name, scenario.quota.capacity, scenario.quota.used) == ("calm", 100, 10)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"code": "Any"}, 400),
        ({"code": "1011", "success": False}, 200),
        ({"body": ""}, 200),
        ({"body": "", "status": 503}, 503),
    ],
)
def test_the_status_follows_from_the_kind_of_answer(fault, status):
    scenario = type(SCENARIOS["clean"]).model_validate({"name": "x", "fault": [{"operation": "*", **fault}]})
    assert scenario.fault[0].http_status == status


@pytest.mark.parametrize(
    ("name", "part"),
    [("clen", "did you mean 'clean'"), ("quota_low", "did you mean 'quota-low'"), ("", "no scenario ''")],
)
def test_an_unknown_name_gets_the_nearest_one_and_the_list(name, part):
    with pytest.raises(ConfigurationError, match=part) as caught:
        load_scenario(name)
    assert all(known in caught.value.remedy for known in READY_MADE)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("quota = = 1", r"it is not TOML: .*line 1, column 9"),
        ("\nquota = ", r"it is not TOML: .*line 2"),
        ("a = 1\na = 2", r"it is not TOML: .*line 2"),
        ("[quotas]", r"quotas: unknown key, did you mean 'quota'\?"),
        ("zzz = 1", r"zzz: unknown key\."),
        ("[[fault]]\noperation = '*'\ncode = 'X'\ntims = 1", r"fault\.0\.tims: unknown key, did you mean 'times'"),
        ("[quota]\nused = '5'", r"quota\.used: Input should be a valid integer"),
        ("[quota]\nused = -1", r"quota\.used: .*greater than or equal to 0"),
        ("quota = 5", "quota: "),
        ("name = 5", r"name: Input should be a valid string"),
        ("[account]\nactivated = 1", r"account\.activated: "),
        ("[clock]\nfinish_after = nan", r"clock\.finish_after: "),
        ("[clock]\nfinish_after = inf", r"clock\.finish_after: "),
        ("denied = ['CreateJenkinsScanTask']", "denied.0: .*did you mean 'CreateJenkinsImageScanTask'"),
        ("denied = ['*']", "denied.0: .*known: CreateJenkinsImageScanTask, "),
        ("[[fault]]\ncode = 'X'", r"fault\.0\.operation: Field required"),
        (
            "[[fault]]\noperation = 'Nothing'\ncode = 'X'",
            r"fault\.0\.operation: the sandbox has no operation 'Nothing'",
        ),
        ("[[fault]]\noperation = '*'", r"fault\.0: a fault has exactly one of"),
        ("[[fault]]\noperation = '*'\ncode = 'X'\ndrop = true", r"fault\.0: a fault has exactly one of"),
        ("[[fault]]\noperation = '*'\nbody = ''\nsuccess = false", r"fault\.0: success = false needs a code"),
        ("[[fault]]\noperation = '*'\ncode = 'X'\nsuccess = true", r"fault\.0\.success: "),
        ("[[fault]]\noperation = '*'\ncode = 'X'\nstatus = 100", r"fault\.0\.status: "),
        ("[[fault]]\noperation = '*'\ncode = 'X'\nheaders = {Content-Length = '1'}", r"fault\.0\.headers\..*no header"),
        ("[[fault]]\noperation = '*'\ncode = 'X'\nheaders = {'a b' = '1'}", r"fault\.0\.headers\..*no header"),
        ('[[fault]]\noperation = "*"\ncode = "X"\nheaders = {a = "1\\r\\nb: 2"}', r"fault\.0\.headers\.a: .*one line"),
        ("quota = 5\nclock = 5", "quota: .*; clock: "),
        ("[[finding]]\nkind = 'cve'\nseverity = 'asap'", r"finding\.0\.id: Field required"),
        ("[[finding]]\nkind = 'virus'\nid = 'x'\nseverity = 'high'", r"finding\.0\.kind: .*'cve', 'sca'"),
        ("[[finding]]\nkind = 'cve'\nid = 'x'\nseverity = 'y'\npth = '/'", r"finding\.0\.pth: .*did you mean 'path'"),
        ("[[finding]]\nkind = 'cve'\nid = 'x'\nseverity = 'y'\nrepeat = 10001", r"finding\.0\.repeat: "),
        ("[task]\nwords = []", r"task\.words: "),
        ("[task]\nends = 'FAIL'", r"task\.ends: unknown key, did you mean 'end'"),
        ("[lists]\nmissing = -1", r"lists\.missing: "),
        ("[[fault]]\noperation = []\ncode = 'X'", r"fault\.0\.operation: "),
        ("[[fault]]\noperation = ['*', 'Nope']\ncode = 'X'", r"fault\.0\.operation: the sandbox has no .*'Nope'"),
        ("[[registry]]\ntype = 'CI/CD'", r"registry\.0\.type: .*'acr', 'harbor' or 'quay'"),
        ("[[registry]]\ninstance = 'x'", r"registry\.0\.instance: unknown key, did you mean 'instance_id'"),
        ("[[registry]]\n[[registry.repository]]\ntags = {}", r"registry\.0\.repository\.0\.name: Field required"),
        (
            "[[registry]]\n[[registry.repository]]\nname = 'a'\ntags = { v1 = 'sha256:abc' }",
            r"registry\.0\.repository\.0\.tags\.v1\.digest: ",
        ),
        ("[quota]\nlasts_for = 2", r"quota\.lasts_for: "),
        ("[limit]\ntasks = true", r"limit\.tasks: "),
    ],
)
def test_a_bad_file_is_named_with_the_place_of_the_mistake(tmp_path, content, part):
    (tmp_path / "bad.toml").write_text(content)
    with pytest.raises(ConfigurationError, match=part) as caught:
        load_scenario("bad.toml")
    assert "'bad.toml'" in caught.value.message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("content", "part"),
    [(b"\xff", "not TOML"), (b"#" * (LARGEST_FILE + 1), "larger than"), (None, "cannot be read: No such file")],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, content, part):
    if content is not None:
        (tmp_path / "bad.toml").write_bytes(content)
    with pytest.raises(ConfigurationError, match=part):
        load_scenario("bad.toml")


def test_a_path_that_no_file_can_have_is_refused():
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_scenario("a\0b.toml")


@given(st.text(max_size=40))
def test_any_other_text_is_a_configuration_error(text):
    with pytest.raises(ConfigurationError):
        load_scenario(f"x{text}")
