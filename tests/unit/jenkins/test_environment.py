"""The Jenkins build is read by an allow-list, told apart by kind, and never raises."""

import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.jenkins.environment import NOT_REPORTED, VARIABLES, BuildKind, JenkinsBuild, read_build

ROOT = {
    "JENKINS_URL": "https://ci.example.org/",
    "JOB_NAME": "team/app",
    "BUILD_NUMBER": "7",
    "BUILD_TAG": "jenkins-team-app-7",
}
MULTIBRANCH = ROOT | {"JOB_NAME": "team/app/feature%2Flogin", "BRANCH_NAME": "feature/login"}
PULL_REQUEST = ROOT | {"JOB_NAME": "team/app/PR-24", "BRANCH_NAME": "PR-24", "CHANGE_ID": "24", "CHANGE_TARGET": "main"}
DOCUMENTED_NAMES = """
    JENKINS_URL JOB_URL BUILD_URL JOB_NAME JOB_BASE_NAME BUILD_NUMBER BUILD_ID BUILD_DISPLAY_NAME BUILD_TAG
    EXECUTOR_NUMBER NODE_NAME NODE_LABELS WORKSPACE STAGE_NAME BRANCH_NAME BRANCH_IS_PRIMARY CHANGE_ID CHANGE_TARGET
    CHANGE_URL CHANGE_TITLE CHANGE_BRANCH CHANGE_FORK TAG_NAME TAG_UNIXTIME GIT_COMMIT GIT_BRANCH GIT_LOCAL_BRANCH
    GIT_CHECKOUT_DIR GIT_PREVIOUS_COMMIT GIT_PREVIOUS_SUCCESSFUL_COMMIT GIT_URL RUN_DISPLAY_URL
    RUN_ARTIFACTS_DISPLAY_URL RUN_TESTS_DISPLAY_URL RUN_CHANGES_DISPLAY_URL JOB_DISPLAY_URL
"""
DOCUMENTED = DOCUMENTED_NAMES.split()
WITHHELD_NAMES = """
    CI HUDSON_URL JENKINS_HOME HUDSON_HOME WORKSPACE_TMP JENKINS_SERVER_COOKIE HUDSON_SERVER_COOKIE JENKINS_NODE_COOKIE
    HUDSON_COOKIE CHANGE_AUTHOR CHANGE_AUTHOR_DISPLAY_NAME CHANGE_AUTHOR_EMAIL TAG_TIMESTAMP TAG_DATE GIT_AUTHOR_NAME
    GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL DOCKER_HOST DOCKER_TLS_VERIFY DOCKER_CERT_PATH DOCKER_CONFIG
    DOCKER_REGISTRY_URL
"""
WITHHELD = WITHHELD_NAMES.split()


def test_every_documented_variable_is_either_reported_or_withheld_by_name() -> None:
    assert sorted(VARIABLES) == sorted(DOCUMENTED)
    assert sorted(NOT_REPORTED) == sorted(WITHHELD)


@pytest.mark.parametrize(("variable", "path"), sorted(VARIABLES.items()))
def test_each_variable_fills_the_field_the_table_names(variable: str, path: str) -> None:
    value = {"BRANCH_IS_PRIMARY": "true"}.get(variable, "https://a.example/7" if variable.endswith("URL") else "7")
    found = read_build({variable: value})
    for name in path.split("."):
        found = getattr(found, name)
    assert str(found).lower() == value


@pytest.mark.parametrize("variable", WITHHELD)
def test_a_withheld_variable_leaves_no_trace(variable: str) -> None:
    assert "canary-4711" not in repr(read_build(ROOT | {variable: "canary-4711"}))


def test_a_laptop_is_not_jenkins_and_has_no_labels() -> None:
    build = read_build({"HOME": "/home/me", "CI": "true", "JENKINS_HOME": "/var/jenkins_home"})
    assert build == JenkinsBuild()
    assert (build.on_jenkins, build.kind) == (False, None)


@pytest.mark.parametrize(
    ("environ", "on_jenkins"),
    [
        ({"JENKINS_URL": "https://ci.example.org/"}, True),
        ({"JENKINS_URL": ""}, False),
        ({"BUILD_TAG": "jenkins-app-7", "JOB_NAME": "app", "BUILD_NUMBER": "7"}, True),
        ({"BUILD_TAG": "jenkins-app-7", "JOB_NAME": "app"}, False),
        ({"BUILD_TAG": "nightly", "JOB_NAME": "app", "BUILD_NUMBER": "7"}, False),
        ({"JENKINS_SERVER_COOKIE": "durable-1"}, True),
        ({"HUDSON_SERVER_COOKIE": "c"}, True),
        ({"JENKINS_NODE_COOKIE": "c"}, True),
        ({"HUDSON_COOKIE": "c"}, True),
        ({"HUDSON_COOKIE": ""}, False),
        ({"JENKINS_HOME": "/var/jenkins_home"}, False),
    ],
)
def test_jenkins_is_recognised_also_without_a_configured_url(environ: dict[str, str], on_jenkins: bool) -> None:
    assert read_build(environ).on_jenkins is on_jenkins


@pytest.mark.parametrize(
    ("environ", "kind"),
    [
        (ROOT, BuildKind.PLAIN),
        ({"JENKINS_URL": "https://ci.example.org/"}, BuildKind.PLAIN),
        (MULTIBRANCH, BuildKind.MULTIBRANCH),
        (PULL_REQUEST, BuildKind.PULL_REQUEST),
        (MULTIBRANCH | {"TAG_NAME": "v1"}, BuildKind.TAG),
        (ROOT | {"JOB_NAME": "app/JDK=17"}, BuildKind.MATRIX),
        (ROOT | {"JOB_NAME": "team/app/JDK=17,OS=linux"}, BuildKind.MATRIX),
        (ROOT | {"JOB_NAME": "a=b"}, BuildKind.PLAIN),
        (ROOT | {"JOB_NAME": "app/=b"}, BuildKind.PLAIN),
        (ROOT | {"JOB_NAME": "app/JDK=17,linux"}, BuildKind.PLAIN),
        (MULTIBRANCH | {"JOB_NAME": "app/a=b"}, BuildKind.MULTIBRANCH),
    ],
)
def test_the_kind_follows_the_variables(environ: dict[str, str], kind: BuildKind) -> None:
    assert read_build(environ).kind is kind


@pytest.mark.parametrize(("fork", "from_fork"), [("stranger", True), ("\x1b[0m", True), ("", False), (None, False)])
def test_a_fork_is_known_by_any_value_of_change_fork(fork: str | None, from_fork: bool) -> None:
    environ = PULL_REQUEST if fork is None else PULL_REQUEST | {"CHANGE_FORK": fork}
    assert read_build(environ).from_fork is from_fork


@pytest.mark.parametrize(
    ("name", "branch", "shown"),
    [
        ("team/app/feature%2Flogin%2fx", "feature/login/x", "team/app/feature/login/x"),
        ("te%2Fam/app/main", "main", "te%2Fam/app/main"),
        ("app/100%25", "100%", "app/100%25"),
        ("app%2Fx", "", "app%2Fx"),
    ],
)
def test_the_job_name_is_decoded_for_display_in_the_last_part_of_multibranch_only(
    name: str, branch: str, shown: str
) -> None:
    build = read_build(ROOT | {"JOB_NAME": name, "BRANCH_NAME": branch})
    assert (build.job, build.job_display) == (name, shown)


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "٣", "7 ", "9" * 5000])
def test_a_number_that_is_none_is_not_known(text: str) -> None:
    build = read_build(ROOT | {"BUILD_NUMBER": text, "EXECUTOR_NUMBER": text})
    assert (build.number, build.executor) == (None, None)


def test_executor_zero_is_a_number() -> None:
    assert read_build(ROOT | {"EXECUTOR_NUMBER": "0"}).executor == 0


@pytest.mark.parametrize(
    ("text", "primary"), [("true", True), ("false", None), ("TRUE", None), ("1", None), ("", None)]
)
def test_only_true_makes_a_branch_primary(text: str, primary: bool | None) -> None:
    assert read_build(MULTIBRANCH | {"BRANCH_IS_PRIMARY": text}).branch_is_primary is primary


def test_numbered_remotes_are_kept_in_their_order_without_user_information() -> None:
    remotes = {"GIT_URL_10": "ten:x", "GIT_URL_2": "https://u:p@two/x", "GIT_URL_1": "git@one:x", "GIT_URL_3": ""}
    others = {"GIT_URL_0": "zero:x", "GIT_URL_X": "x:x", "GIT_URL_100": "hundred:x"}
    assert read_build(remotes | others).git.urls == ("one:x", "https://two/x", "ten:x")


def test_an_empty_variable_is_not_known() -> None:
    assert read_build(dict.fromkeys(VARIABLES, "")) == JenkinsBuild()


def test_a_text_is_one_visible_line_of_bounded_length() -> None:
    title = "\x1b[31mFix\x1b]8;;https://evil.example\x1b\\\nthe\u202e\x07login " + "x" * 100_000
    cleaned = read_build(PULL_REQUEST | {"CHANGE_TITLE": title}).change.title
    assert cleaned is not None
    assert cleaned.startswith("Fix the login xxx")
    assert len(cleaned) == 500


def test_the_build_is_plain_data_for_json() -> None:
    data = json.loads(json.dumps(asdict(read_build(PULL_REQUEST | {"GIT_URL_1": "git@one:x"}))))
    assert data["kind"] == "pull-request"
    assert data["change"]["target"] == "main"
    assert data["git"]["urls"] == ["one:x"]


values = st.text(st.characters(exclude_characters="\0"), max_size=60)  # surrogates as well: an environment holds bytes
environments = st.dictionaries(st.sampled_from([*DOCUMENTED, *WITHHELD, "GIT_URL_1"]) | values, values)


@given(environments)
def test_any_environment_gives_a_build_that_a_file_can_hold(environ: dict[str, str]) -> None:
    json.dumps(asdict(read_build(environ)), ensure_ascii=False).encode()


@given(environments)
def test_a_variable_that_is_not_listed_changes_nothing_but_whether_this_is_jenkins(environ: dict[str, str]) -> None:
    listed = {name: value for name, value in environ.items() if name in VARIABLES or name.startswith("GIT_URL_")}
    whole, reported = asdict(read_build(environ)), asdict(read_build(listed))
    for derived in ("on_jenkins", "kind"):  # a cookie decides these, without being shown
        del whole[derived], reported[derived]
    assert whole == reported
