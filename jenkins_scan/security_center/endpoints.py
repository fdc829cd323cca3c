"""Which host serves which region: an explicit table, never a guessed name.

Source: "Endpoints" of the Security Center API reference (Sas 2018-12-03, Jan 20 2026) and the official SDK 10.3.2.
Two sites exist: Chinese mainland (with Hong Kong) and outside; token, quota and images of one are not visible on the
other.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from jenkins_scan.errors import ConfigurationError
from jenkins_scan.loopback import is_loopback
from jenkins_scan.spelling import hint

MAINLAND = "tds.cn-shanghai.aliyuncs.com"
OUTSIDE = "tds.ap-southeast-1.aliyuncs.com"
MAINLAND_VPC = "tds.vpc-proxy.aliyuncs.com"
OUTSIDE_VPC = "tds-intl.vpc-proxy.aliyuncs.com"

MAINLAND_REGIONS = (
    *(
        "cn-beijing",
        "cn-chengdu",
        "cn-fuzhou",
        "cn-guangzhou",
        "cn-hangzhou",
        "cn-heyuan",
        "cn-hongkong",
        "cn-huhehaote",
    ),
    *("cn-nanjing", "cn-qingdao", "cn-shanghai", "cn-shenzhen", "cn-wulanchabu", "cn-zhangjiakou"),
    *(
        "cn-beijing-finance-1",
        "cn-hangzhou-finance",
        "cn-shanghai-finance-1",
        "cn-shenzhen-finance-1",
        "cn-north-2-gov-1",
    ),
    *("cn-heyuan-acdr-1", "cn-qingdao-acdr-ut-1", "cn-shanghai-mybk", "cn-wuhan-lr", "cn-zhengzhou-jva"),
)
OUTSIDE_REGIONS = (
    *("ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3"),
    *("ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "eu-central-1", "eu-west-1", "me-central-1", "me-east-1"),
    *("us-east-1", "us-west-1"),
)
WITHOUT_VPC = ("cn-nanjing", "cn-fuzhou")
_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")
ENDPOINTS = dict.fromkeys(MAINLAND_REGIONS, MAINLAND) | dict.fromkeys(OUTSIDE_REGIONS, OUTSIDE)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the service is asked."""

    url: str
    """`https://HOST[:PORT]`; plain http for loopback alone."""
    region: str | None = None

    @property
    def is_loopback(self) -> bool:
        """Whether the traffic stays on this machine."""
        return is_loopback(urlsplit(self.url).hostname or "")


def endpoint_of_region(region: str, *, vpc: bool = False) -> Endpoint:
    """The endpoint that serves a region; an unknown region is a `ConfigurationError` with a suggestion."""
    if region not in ENDPOINTS:
        raise ConfigurationError(
            f"--region: {region!r} is not a region of Security Center{hint(region, ENDPOINTS)}",
            remedy="Name a region such as cn-hangzhou or ap-southeast-1, or the host itself with --endpoint https://HOST.",
        )
    host = ENDPOINTS[region]
    if vpc:
        if region in WITHOUT_VPC:
            raise ConfigurationError(
                f"--vpc: region {region} has no VPC endpoint.",
                remedy="Leave --vpc out, or name a reachable host with --endpoint https://HOST.",
            )
        host = {MAINLAND: MAINLAND_VPC, OUTSIDE: OUTSIDE_VPC}[host]
    return Endpoint(url=f"https://{host}", region=region)


def endpoint_of_url(url: str, region: str | None = None) -> Endpoint:
    """An endpoint named by its URL: https, or http to loopback; no path, user, query or fragment."""
    remedy = "Write --endpoint https://HOST[:PORT] (plain http:// for loopback alone), or --endpoint sandbox."
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as exc:
        raise ConfigurationError("--endpoint: the URL cannot be read.", remedy=remedy) from exc
    if parts.scheme not in ("https", "http") or not host:
        raise ConfigurationError("--endpoint: neither `sandbox` nor an https:// URL.", remedy=remedy)
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError("--endpoint: user information does not belong into the URL.", remedy=remedy)
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ConfigurationError("--endpoint: the URL must end after the host and port.", remedy=remedy)
    if not _is_host(host) or port == 0:
        raise ConfigurationError("--endpoint: neither a host name nor an IP address, or no port.", remedy=remedy)
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(
            "--endpoint: plain http would send the token in clear text to another machine.", remedy=remedy
        )
    shown = f"[{host}]" if ":" in host else host
    return Endpoint(url=f"{parts.scheme}://{shown}" + (f":{port}" if port is not None else ""), region=region)


def _is_host(host: str) -> bool:
    if ":" not in host and not host.rpartition(".")[2].isdigit():
        return _HOST_NAME.fullmatch(host) is not None
    try:
        return "%" not in str(ipaddress.ip_address(host))
    except ValueError:
        return False
