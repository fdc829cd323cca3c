"""Which host a region or a URL names; everything else is exit code 2 before anything is sent."""

import re

import httpx
import pytest

from jenkins_scan.errors import ConfigurationError
from jenkins_scan.security_center.endpoints import ENDPOINTS, Endpoint, endpoint_of_region, endpoint_of_url

MAINLAND = re.findall(
    "[a-z0-9-]+",
    """
    cn-qingdao cn-beijing cn-zhangjiakou cn-huhehaote cn-wulanchabu cn-hangzhou cn-shanghai cn-nanjing cn-fuzhou
    cn-shenzhen cn-heyuan cn-guangzhou cn-chengdu cn-hongkong cn-beijing-finance-1 cn-hangzhou-finance
    cn-shanghai-finance-1 cn-shenzhen-finance-1 cn-north-2-gov-1 cn-heyuan-acdr-1 cn-qingdao-acdr-ut-1
    cn-shanghai-mybk cn-wuhan-lr cn-zhengzhou-jva
    """,
)
OUTSIDE = re.findall(
    "[a-z0-9-]+",
    """
    ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-5 ap-southeast-6 ap-southeast-7 ap-northeast-1
    ap-northeast-2 ap-south-1 us-east-1 us-west-1 eu-central-1 eu-west-1 me-east-1 me-central-1
    """,
)


@pytest.mark.parametrize("region", MAINLAND)
def test_a_mainland_region_is_served_from_shanghai(region):
    assert endpoint_of_region(region) == Endpoint("https://tds.cn-shanghai.aliyuncs.com", region)


@pytest.mark.parametrize("region", OUTSIDE)
def test_a_region_outside_is_served_from_singapore(region):
    assert endpoint_of_region(region) == Endpoint("https://tds.ap-southeast-1.aliyuncs.com", region)


def test_no_region_is_known_beside_the_published_ones():
    assert sorted(ENDPOINTS) == sorted(MAINLAND + OUTSIDE)


@pytest.mark.parametrize("region", [*MAINLAND, *OUTSIDE])
def test_a_vpc_endpoint_is_the_sites_own_or_refused(region):
    if region in ("cn-nanjing", "cn-fuzhou"):
        with pytest.raises(ConfigurationError, match="has no VPC endpoint"):
            endpoint_of_region(region, vpc=True)
    else:
        host = "tds.vpc-proxy" if region in MAINLAND else "tds-intl.vpc-proxy"
        assert endpoint_of_region(region, vpc=True).url == f"https://{host}.aliyuncs.com"


@pytest.mark.parametrize(
    ("region", "suggestion"),
    [("cn-hangzou", "cn-hangzhou"), ("ap-southeast1", "ap-southeast-1"), ("CN-HANGZHOU", None), ("mars", None)],
)
def test_an_unknown_region_is_refused_with_a_suggestion(region, suggestion):
    with pytest.raises(ConfigurationError) as caught:
        endpoint_of_region(region)
    assert ("did you mean" in caught.value.message) == (suggestion is not None)
    assert suggestion is None or repr(suggestion) in caught.value.message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("https://tds.example.com", "https://tds.example.com"),
        ("https://TDS.Example.com/", "https://tds.example.com"),
        ("https://tds.example.com:8443", "https://tds.example.com:8443"),
        ("https://tds_1.example.com.", "https://tds_1.example.com."),
        ("https://xn--fiqs8s.example", "https://xn--fiqs8s.example"),
        ("https://192.0.2.1:65535", "https://192.0.2.1:65535"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.9.9.9:8080", "http://127.9.9.9:8080"),
        ("http://localhost:1", "http://localhost:1"),
        ("http://LOCALHOST:1", "http://localhost:1"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
    ],
)
def test_a_url_that_ends_after_host_and_port_is_an_endpoint(typed, url):
    endpoint = endpoint_of_url(typed, "cn-hangzhou")
    assert endpoint == Endpoint(url, "cn-hangzhou")
    assert httpx.URL(f"{url}/?a=b").host


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "https://"),
        ("sandboxx", "https://"),
        ("tds.example.com", "https://"),
        ("//tds.example.com", "https://"),
        ("ftp://tds.example.com", "https://"),
        ("https://", "https://"),
        ("https://:443", "https://"),
        ("http://tds.example.com", "clear text"),
        ("http://192.0.2.1", "clear text"),
        ("http://0.0.0.0:8080", "clear text"),
        ("http://localhost.example.com", "clear text"),
        ("http://127.0.0.1.example.com", "clear text"),
        ("http://127.1", "neither a host name"),
        ("http://2130706433", "neither a host name"),
        ("http://[2001:db8::1]", "clear text"),
        ("http://[::ffff:192.0.2.1]", "clear text"),
        ("https://user@tds.example.com", "user information"),
        ("https://user:pw@tds.example.com", "user information"),
        ("https://@tds.example.com", "user information"),
        ("https://tds.example.com\\@evil.example", "user information"),
        ("https://tds.example.com/path", "must end after"),
        ("https://tds.example.com/?a=b", "must end after"),
        ("https://tds.example.com?a=b", "must end after"),
        ("https://tds.example.com#f", "must end after"),
        ("https://tds.example.com:0", "no port"),
        ("https://tds.example.com:65536", "cannot be read"),
        ("https://tds.example.com:x", "cannot be read"),
        ("https://tds.example.com:-1", "cannot be read"),
        ("https://[::1", "cannot be read"),
        ("https://[fe80::1%25eth0]", "neither a host name"),
        ("https://中国.example", "neither a host name"),
        ("https://tds\uff0eexample.com", "cannot be read|neither a host name"),
        ("https://a b.example", "neither a host name"),
        ("https://tds.example.com\\evil", "neither a host name"),
        ("https://tds..example.com", "neither a host name"),
        ("https://.example.com", "neither a host name"),
        ("https://%74ds.example.com", "neither a host name"),
        ("https://a,b", "neither a host name"),
        ("https://999.1.1.1", "neither a host name"),
        ("https://1.2.3", "neither a host name"),
        (f"https://{'a' * 64}.example", "neither a host name"),
        (f"https://{'a.' * 130}example", "neither a host name"),
    ],
)
def test_any_other_url_is_refused(url, why):
    with pytest.raises(ConfigurationError, match=why) as caught:
        endpoint_of_url(url)
    assert caught.value.message.startswith("--endpoint: ")
    assert "pw" not in caught.value.message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost:1", True),
        ("https://127.0.0.1", True),
        ("http://[::1]:1", True),
        ("https://tds.example.com", False),
        ("https://10.0.0.1", False),
    ],
)
def test_loopback_is_known(url, loopback):
    assert endpoint_of_url(url).is_loopback == loopback
