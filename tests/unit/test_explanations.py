import pytest

from jenkins_scan import errors
from jenkins_scan.errors import Reason, UsageError
from jenkins_scan.explanations import FOREIGN, explain, explanation_of, service_codes
from jenkins_scan.local.checks import CHECKS
from jenkins_scan.security_center.codes import CODES


@pytest.mark.parametrize("reason", Reason)
def test_every_exit_code_and_every_reason_is_explained_with_its_remedies(reason):
    for word in (reason.slug, reason.slug.upper(), *map(str, reason.codes)):
        (found,) = [each for each in explain(word) if each.title.startswith(str(reason.codes[0]))]
        assert found == explanation_of(reason)
        assert found.causes
        assert all(cause.what and cause.remedy for cause in found.causes)


@pytest.mark.parametrize("entry", CODES, ids=lambda entry: f"{entry.pattern}-{entry.status}")
def test_every_service_code_says_what_it_ends_with_and_what_to_do(entry):
    found = explain(entry.pattern.replace("*", "X"))
    ends = f"ends with {entry.error.reason.code} ({entry.error.reason.slug})"
    assert any(ends in each.title and (entry.status is None or str(entry.status) in each.title) for each in found)
    assert all(cause.what and cause.remedy for each in found for cause in each.causes)


def test_one_code_with_two_meanings_is_explained_by_its_http_status():
    assert [each.title for each in explain("nopermission")] == [
        "NoPermission with HTTP 403 (of the service): ends with 14 (access)",
        "NoPermission with any other status (of the service): ends with 14 (access)",
    ]


def test_a_code_of_a_family_is_explained_by_the_narrowest_one():
    (found,) = explain("InvalidTimeStamp.Expired")
    assert "14" in found.title
    (found,) = explain("MissingToken")
    assert "JENKINS_SCAN_TOKEN" in found.causes[0].remedy


def test_a_create_that_may_have_run_is_said_to_be_looked_for():
    (found,) = explain("ServerError")
    assert "never repeated" in found.causes[0].what


def test_an_error_is_found_by_its_own_name():
    (found,) = explain("clockskew")
    assert found.title == "ClockSkew: ends with 14 (access)"


@pytest.mark.parametrize("code", FOREIGN)
def test_a_code_of_jenkins_or_the_system_is_said_to_be_none_of_ours(code):
    (found,) = explain(str(code))
    assert "not a code of jenkins-scan" in found.title
    assert code not in {number for reason in Reason for number in reason.codes}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_every_local_check_is_explained_by_its_id_with_and_without_its_family(check):
    for word in (check.id, check.id.partition("/")[2].upper()):
        (found,) = explain(word)
        assert found.title.startswith(check.id)
        assert found.causes[0].remedy == check.fix


def test_0_is_two_things():
    (found,) = explain("0")
    assert "PASS" in found.title
    assert "SUBMITTED" in found.title


@pytest.mark.parametrize(("word", "meant"), [("polici", "policy"), ("BeyondQuota", "BeyondQuata")])
def test_a_typing_error_is_met_with_a_suggestion(word, meant):
    with pytest.raises(UsageError, match=f"did you mean '{meant}'"):
        explain(word)


@pytest.mark.parametrize("word", ["", "99", "🙂", "9" * 5000, "*"])
def test_what_means_nothing_is_refused(word):
    with pytest.raises(UsageError) as caught:
        explain(word)
    assert len(caught.value.message) < 400


def test_the_service_codes_are_all_there():
    assert len(service_codes()) == len(CODES)


def test_no_error_but_a_family_is_without_a_remedy():
    bare = [error for error in vars(errors).values() if isinstance(error, type) and issubclass(error, errors.ScanError)]
    assert [error.__name__ for error in bare if not error.default_remedy and not error.__subclasses__()] == []
