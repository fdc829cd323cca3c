import pytest

from jenkins_scan import errors
from jenkins_scan.errors import Reason, UsageError
from jenkins_scan.explanations import FOREIGN, OTHERS, explain, explanation_of, known_words, service_codes
from jenkins_scan.local.checks import CHECKS
from jenkins_scan.security_center.codes import CODES, look_up

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.ScanError)][1:]


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


@pytest.mark.parametrize("code", ["Throttling.User", "ServiceUnavailable"])
def test_a_create_that_surely_did_not_run_is_said_to_be_tried_again(code):
    (found,) = explain(code)
    assert "a create too" in found.causes[0].what


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("PASS", "ends with 0"),
        ("submitted", "ends with 0"),
        ("CHECKED", "ends with 0"),
        ("WARN", "ends with 11 (warn)"),
        ("FAIL", "ends with 10 (policy), 12 (quota)"),
        ("INCOMPLETE", "16 (timeout), 17 (incomplete), 129, 130, 143 (interrupted)"),
        ("ERROR", "ends with 1 (internal), 2 (usage), 13 (image), 14 (access), 15 (service)"),
    ],
)
def test_the_word_of_a_last_line_is_explained_with_its_exit_codes(word, said):
    first = explain(word)[0]
    assert first.title.startswith(f"{word.upper()}: ")
    assert first.title.endswith(said)
    assert all(cause.what and cause.remedy for cause in first.causes)


def test_a_family_of_errors_is_explained_by_its_members():
    (found,) = explain("ImageError")
    names = [cause.name for cause in found.causes]
    assert (names[0], "EngineAbsent" in names, "ImageError" in names) == ("ImageNotFound", True, False)


@pytest.mark.parametrize("error", KINDS, ids=lambda error: error.__name__)
def test_every_error_is_explained_with_a_remedy(error):
    assert all(cause.remedy for each in explain(error.__name__) for cause in each.causes)
    assert explain(error.__name__)[0].causes


def test_11_says_what_to_do_about_a_soft_reason():
    (found,) = explain("11")
    assert found.causes[-1].name == "--soft"


@pytest.mark.parametrize("word", ["SomethingNew", "Quota.NotEnough", "OperationDenied.NoStock"])
def test_a_code_of_the_service_that_is_not_known_is_said_to_end_with_15(word):
    with pytest.raises(UsageError, match=r"not known here; as a code of the service it would end with 15 \(service\)"):
        explain(word)


def test_every_word_that_is_known_is_explained():
    assert all(explain(word) for word in known_words())


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
    assert len(service_codes()) == len(CODES) + len(OTHERS)


@pytest.mark.parametrize(("name", "entry"), OTHERS)
def test_what_a_code_means_that_is_not_in_the_table_depends_on_the_http_status(name, entry):
    status = {"every other one with HTTP 5xx": 503, "every other one with HTTP 429": 429, "every other one": 400}[name]
    assert look_up("SomethingNew", status) is entry
    (found,) = [each for each in service_codes() if each.title.startswith(f"{name} (")]
    assert found.causes[0].what.casefold().startswith(entry.cause.casefold())


def test_no_error_but_a_family_is_without_a_remedy():
    assert [error.__name__ for error in KINDS if not error.default_remedy and not error.__subclasses__()] == []
