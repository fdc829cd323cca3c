import ssl

import httpx
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.doctor import proxy
from jenkins_scan.errors import ConfigurationError
from jenkins_scan.security_center.endpoints import Endpoint

CLOUD = Endpoint("https://tds.cn-shanghai.aliyuncs.com")
PORT = Endpoint("https://tds.cn-shanghai.aliyuncs.com:8443")
ADDRESS = Endpoint("https://10.0.0.7")
SIX = Endpoint("https://[fd00::7]")
HERE = Endpoint("http://127.0.0.1:8080")
CERTIFI = "certifi's public authorities"
SECRET = "http://user:canary-pw@proxy.example.com:3128"


UNUSED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def used_by_httpx(endpoints, environ):
    """The proxies that the HTTP client itself chooses, each as host and port; None for none."""
    with pytest.MonkeyPatch.context() as surroundings:
        for name, value in environ.items():
            surroundings.setenv(name, value)
        with httpx.Client(verify=UNUSED) as client:
            chosen = [client._transport_for_url(httpx.URL(endpoint.url)) for endpoint in endpoints]
    urls = [getattr(getattr(each, "_pool", None), "_proxy_url", None) for each in chosen]
    return [None if url is None else (url.host.decode(), url.port) for url in urls]


def ours(endpoint, environ):
    found = proxy.proxy_for(endpoint, environ)
    return None if found is None else (found.parts.hostname, found.parts.port)


PROXY = {"HTTPS_PROXY": "http://one:1"}


@pytest.mark.parametrize(
    "environ",
    [
        {},
        PROXY,
        {"https_proxy": "two:2"},
        {"HTTPS_PROXY": "http://one:1", "https_proxy": "http://two:2"},
        {"HTTPS_PROXY": "http://one:1", "https_proxy": ""},
        {"HTTP_PROXY": "http://one:1"},
        {"ALL_PROXY": "http://three:3"},
        {**PROXY, "ALL_PROXY": "http://three:3"},
        *(
            {**PROXY, "NO_PROXY": text}
            for text in (
                *("*", "x, *", "aliyuncs.com", ".aliyuncs.com", "*.aliyuncs.com", "*aliyuncs.com", "yuncs.com"),
                *("tds.cn-shanghai.aliyuncs.com", ".tds.cn-shanghai.aliyuncs.com", "TDS.cn-shanghai.ALIYUNCS.com"),
                *("tds.cn-shanghai.aliyuncs.com:443", "tds.cn-shanghai.aliyuncs.com:8443", "aliyuncs.com:1"),
                *("10.0.0.7", "10.0.0.0/8", "10.0.0.7/32", "10.0.0.7:443", "fd00::7", "localhost", "127.0.0.1", ",,"),
                *("https://tds.cn-shanghai.aliyuncs.com", "http://tds.cn-shanghai.aliyuncs.com", "all://10.0.0.7"),
                *("https://tds.cn-shanghai.aliyuncs.com:443", "https://tds.cn-shanghai.aliyuncs.com:8443"),
            )
        ),
        {**PROXY, "NO_PROXY": "10.0.0.7", "no_proxy": "aliyuncs.com"},
    ],
    ids=str,
)
def test_the_proxy_is_the_one_that_the_http_client_takes(environ):
    endpoints = [CLOUD, PORT, ADDRESS, SIX]
    assert [ours(endpoint, environ) for endpoint in endpoints] == used_by_httpx(endpoints, environ)
    assert ours(HERE, environ) is None  # asked without the environment, see `connect`


@given(entry=st.from_regex(r"\A\*?\.?(tds\.)?(cn-shanghai\.)?(a?liyuncs\.com|com)(:8?443)?\Z"))
def test_any_entry_of_no_proxy_means_what_it_means_to_the_http_client(entry):
    environ = {**PROXY, "NO_PROXY": entry}
    assert [ours(endpoint, environ) for endpoint in (CLOUD, PORT)] == used_by_httpx([CLOUD, PORT], environ)


@pytest.fixture
def check(monkeypatch):
    def check(endpoint, environ, bundle=None):
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        outcome = proxy.check(endpoint, bundle, environ)
        assert "canary" not in outcome.seen + outcome.remedy
        return outcome

    return check


@pytest.mark.parametrize(
    ("endpoint", "environ", "seen"),
    [
        (HERE, {}, "no proxy variable is set; no TLS."),
        (HERE, {"HTTP_PROXY": SECRET}, "no proxy: the endpoint is this machine (HTTP_PROXY does not count); no TLS."),
        (
            CLOUD,
            {"https_proxy": SECRET},
            f"proxy http://proxy.example.com:3128 from https_proxy (user information hidden); {CERTIFI}.",
        ),
        (
            CLOUD,
            {"HTTPS_PROXY": SECRET, "NO_PROXY": "aliyuncs.com"},
            "no proxy: 'aliyuncs.com' in NO_PROXY is the endpoint; " + f"{CERTIFI}.",
        ),
        (
            CLOUD,
            {"HTTP_PROXY": SECRET},
            "no proxy for https://tds.cn-shanghai.aliyuncs.com (HTTP_PROXY); certifi's public authorities.",
        ),
    ],
)
def test_the_way_is_told_without_user_information(check, endpoint, environ, seen):
    outcome = check(endpoint, environ)
    assert (outcome.status, outcome.seen) == ("OK", seen)


@pytest.mark.parametrize(
    ("endpoint", "environ", "word"),
    [
        (CLOUD, {"HTTPS_PROXY": SECRET, "https_proxy": "http://two:2"}, "HTTPS_PROXY and https_proxy differ"),
        (CLOUD, {**PROXY, "NO_PROXY": "x,*.aliyuncs.com"}, "'*.aliyuncs.com' in NO_PROXY looks like the endpoint"),
        (CLOUD, {**PROXY, "NO_PROXY": "tds.cn-shanghai.aliyuncs.com:443"}, "is not followed"),
        (ADDRESS, {**PROXY, "NO_PROXY": "10.0.0.0/8"}, "'10.0.0.0/8' in NO_PROXY"),
    ],
)
def test_what_looks_as_if_it_counted_and_does_not_is_a_warning(check, endpoint, environ, word):
    outcome = check(endpoint, environ)
    assert (outcome.status, outcome.code) == ("WARN", 11)
    assert word in outcome.seen


@pytest.mark.parametrize("entry", ["10.1.0.0/16", "x/y", "example.com"])
def test_what_means_something_else_is_no_warning(check, entry):
    assert check(ADDRESS, {**PROXY, "NO_PROXY": entry}).status == "OK"


@pytest.mark.parametrize("environ", [{"HTTPS_PROXY": "socks5://user:canary-pw@h:1"}, {"NO_PROXY": "[::1]", **PROXY}])
def test_what_cannot_be_followed_is_a_failure(check, environ):
    with pytest.raises(ConfigurationError, match="a proxy variable cannot be followed") as refused:
        check(CLOUD, environ)
    assert "canary" not in refused.value.message


@pytest.mark.parametrize("origin", ["--ca-bundle", "SSL_CERT_FILE"])
def test_the_authorities_of_a_bundle_are_counted(check, tmp_path, origin):
    path = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    bundle, environ = (str(path), {}) if origin == "--ca-bundle" else (None, {"SSL_CERT_FILE": str(path)})
    assert f"1 authorities of {path} ({origin})" in check(CLOUD, environ, bundle).seen


def test_a_bundle_that_is_none_is_a_failure(check, tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read as CA certificates"):
        check(CLOUD, {}, str(tmp_path / "none.pem"))
