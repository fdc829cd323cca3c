"""Every error code has a cause, and the exit code that the contract gives it."""

import pytest

from jenkins_scan import errors
from jenkins_scan.security_center.codes import CODES, look_up

CONTRACT = {
    ("BeyondQuata", 400): errors.QuotaSpent,
    ("NoPermission", 400): errors.ServiceNotActivated,
    ("NoPermission", 403): errors.PermissionDenied,
    ("SignatureDoesNotMatch", 400): errors.CredentialsRefused,
    ("IncompleteSignature", 400): errors.CredentialsRefused,
    ("InvalidAccessKeyId.NotFound", 404): errors.CredentialsRefused,
    ("InvalidAccessKeyId.Inactive", 400): errors.CredentialsRefused,
    ("InvalidSecurityToken.Expired", 400): errors.CredentialsRefused,
    ("InvalidSecurityToken.MismatchWithAccessKey", 403): errors.CredentialsRefused,
    ("Forbidden", 403): errors.PermissionDenied,
    ("Forbidden", 400): errors.CredentialsRefused,
    ("Forbidden.RAM", 403): errors.PermissionDenied,
    ("InvalidTimeStamp.Expired", 400): errors.ClockSkew,
    ("InvalidTimeStamp.Format", 400): errors.ClockSkew,
    ("TASK_NOT_SUPPORT_REGION", 400): errors.RegionNotSupported,
    ("Throttling", 400): errors.ServiceThrottled,
    ("Throttling.User", 429): errors.ServiceThrottled,
    ("Throttling.Api", 503): errors.ServiceThrottled,
    ("Rejected.Throttling", 400): errors.ServiceThrottled,
    ("ServerError", 500): errors.ServiceFault,
    ("InternalError", 500): errors.ServiceFault,
    ("ServiceUnavailable", 503): errors.ServiceFault,
    ("SignatureNonceUsed", 400): errors.ServiceFault,
    ("InvalidToken", 400): errors.ServiceFault,
    ("MissingToken", 400): errors.ServiceFault,
    ("MissingDigest", 400): errors.ServiceFault,
    ("InvalidParameter", 400): errors.ServiceFault,
    ("InvalidApi.NotFound", 404): errors.ServiceFault,
    ("-101", 400): errors.ServiceFault,
    ("beyondquata", 400): errors.ServiceFault,
    ("SomethingNew", 400): errors.ServiceFault,
    (None, 400): errors.ServiceFault,
    (None, 429): errors.ServiceThrottled,
    (None, 502): errors.ServiceFault,
}
RETRIED = {"ServerError", "InternalError", "ServiceUnavailable", "SignatureNonceUsed", "Rejected.Throttling"}
SURELY_DID_NOT_RUN = {"ServiceUnavailable", "Rejected.Throttling"}


@pytest.mark.parametrize(("answer", "error"), CONTRACT.items(), ids=str)
def test_a_code_means_what_the_contract_says(answer, error):
    assert look_up(*answer).error is error


@pytest.mark.parametrize("code", sorted({code for code, _ in CONTRACT if code is not None}))
def test_a_code_is_tried_again_only_where_that_can_help(code):
    entry = look_up(code, 400)
    assert entry.retry == (code in RETRIED or code.startswith("Throttling"))
    assert entry.may_have_run == (entry.retry and code not in SURELY_DID_NOT_RUN and not code.startswith("Throttling"))


@pytest.mark.parametrize("entry", CODES, ids=lambda entry: f"{entry.pattern} {entry.status or ''}")
def test_every_code_has_a_cause_and_a_remedy(entry):
    assert entry.cause
    assert entry.remedy or entry.error.default_remedy


@pytest.mark.parametrize("entry", CODES, ids=lambda entry: f"{entry.pattern} {entry.status or ''}")
def test_no_code_is_hidden_by_one_before_it(entry):
    assert look_up(entry.pattern.replace("*", "x"), entry.status or 400) is entry
