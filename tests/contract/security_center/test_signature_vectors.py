"""The signature vectors: number 1 is published with the V3 signature, 2 to 6 agree with the official SDK's signer."""

import calendar
import hashlib
import time
from dataclasses import dataclass, field

import httpx
import pytest
from pydantic import SecretStr

from jenkins_scan.security_center.credentials import Credentials
from jenkins_scan.security_center.signing import (
    AcsV3Auth,
    canonical_query,
    canonical_request_hash,
    must_be_signed,
    signature,
)

KEY_ID, SECRET = "YourAccessKeyId", "YourAccessKeySecret"
FORM = "application/x-www-form-urlencoded"
MAINLAND = "tds.cn-shanghai.aliyuncs.com"
CREATE_BODY = (
    "Digest=a8c9f3765684cd8d9053db9523eab58878e99a199217500efd9ae2a860a7e01e"
    "&ImageId=b10ef7b245c34a0822055c74fc4a0e8b5baf0279306316b2c517a501ed250b1e&ImageSize=6120340"
    "&Namespace=ns&RepoName=app&Tag=1.0&Token=c3de8326-273e-11fc-a0e3-d012435c0000"
)


@dataclass(frozen=True)
class Vector:
    host: str
    action: str
    signature: str
    version: str = "2018-12-03"
    date: str = "2025-01-02T03:04:05Z"
    nonce: str = "0123456789abcdef0123456789abcdef"
    query: dict[str, str] = field(default_factory=dict)
    body: str = ""
    security_token: str | None = None
    canonical_query: str | None = None
    payload_hash: str | None = None
    request_hash: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        headers = {
            "host": self.host,
            "x-acs-action": self.action,
            "x-acs-content-sha256": hashlib.sha256(self.body.encode()).hexdigest(),
            "x-acs-date": self.date,
            "x-acs-signature-nonce": self.nonce,
            "x-acs-version": self.version,
        }
        if self.body:
            headers["content-type"] = FORM
        if self.security_token is not None:
            headers |= {"x-acs-accesskey-id": KEY_ID, "x-acs-security-token": self.security_token}
        return headers

    @property
    def credentials(self) -> Credentials:
        token = None if self.security_token is None else SecretStr(self.security_token)
        return Credentials(KEY_ID, SecretStr(SECRET), token)


PUBLISHED = Vector(
    "ecs.cn-shanghai.aliyuncs.com",
    "RunInstances",
    "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
    version="2014-05-26",
    date="2023-10-26T10:22:32Z",
    nonce="3156853299f313e23d1673dc12e1703d",
    query={"ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd", "RegionId": "cn-shanghai"},
    request_hash="7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259",
)
OURS = {
    "2 form body": Vector(
        MAINLAND,
        "CreateJenkinsImageScanTask",
        "f376ee2bbe198636488327180974fdf67dca81f83a617d00505689f66d9ab50e",
        query={"JenkinsEnv": "release"},
        body=CREATE_BODY,
        payload_hash="61b4b208546bd8807019ee5f36612f836dcca34a3a654169f20b24414a81a0f2",
        request_hash="a94cf974c924dc987292e8fe40bf9f9b8ad2d0a90707f7fe339c83314e4ca6f2",
    ),
    "2b temporary key": Vector(
        MAINLAND,
        "CreateJenkinsImageScanTask",
        "05929bc769c6627919ddea7712606ddd900714c7acf1da54c084d9f9efbd617a",
        query={"JenkinsEnv": "release"},
        body=CREATE_BODY,
        security_token="YourSecurityToken",
        request_hash="24f0253a07d4431bb7c94eef2980e6979eb57dd9d4fa1582086ddbe0c33f13c0",
    ),
    "3 odd characters in the query": Vector(
        "tds.ap-southeast-1.aliyuncs.com",
        "DescribeImageInstances",
        "bc8513da0578e96bfc7294fa3eeddd0466bace6c3267a50f185a6d451de7c8c0",
        query={"Criteria": '[{"name":"digest","value":"a b*c~d/e+中"}]', "CurrentPage": "1"},
        canonical_query="Criteria=%5B%7B%22name%22%3A%22digest%22%2C%22value%22%3A%22a%20b%2Ac~d%2Fe%2B%E4%B8%AD%22"
        "%7D%5D&CurrentPage=1",
        request_hash="a8022fce475004bb7e70a07d1245f2e9174e26eb24fc38d149ca76f54f8b704f",
    ),
    "4 nothing but headers": Vector(
        MAINLAND,
        "DescribeImageScanAuthCount",
        "ffc3783eff50a80c81be3ef29c0750466ee96d993a78897f2245a26fcb23b2d3",
        canonical_query="",
        payload_hash="e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        request_hash="b7ff4e3e6b43aad388fccae3df868da565731fb80f11289f5308d53dd2e7a8ea",
    ),
    "5 odd characters in the form": Vector(
        MAINLAND,
        "PageImageRegistry",
        "4806a1f6669feca0a464ba009eaf236b61558255773299aae52d1e42fb7e27b3",
        body="CurrentPage=1&PageSize=20&RegistryNameLike=build+a%2Ab~c%2Bd%2F%C3%A9&RegistryTypeInList.1=CI%2FCD",
        payload_hash="c7279787ea80becdd5a6105325be457a2f03a35df7b898c45b0d10f8453f0c38",
    ),
    "6 host with a port": Vector(
        "127.0.0.1:8080",
        "DescribeImageScanAuthCount",
        "0a800df908a6605a0102807075420d6366f34e176acc260d510694ebfe5bd8e2",
    ),
}
VECTORS = {"1 published": PUBLISHED, **OURS}


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS.keys())
def test_the_pure_functions_give_the_signature(vector):
    query = canonical_query(vector.query)
    headers = vector.headers
    payload_hash = headers["x-acs-content-sha256"]
    request_hash = canonical_request_hash(query, headers, sorted(filter(must_be_signed, headers)), payload_hash)
    assert vector.canonical_query in (None, query)
    assert vector.payload_hash in (None, payload_hash)
    assert vector.request_hash in (None, request_hash)
    assert signature(SECRET, request_hash) == vector.signature


@pytest.mark.parametrize("vector", OURS.values(), ids=OURS.keys())
def test_the_httpx_signer_gives_the_signature(vector):
    now = calendar.timegm(time.strptime(vector.date, "%Y-%m-%dT%H:%M:%SZ"))
    query = canonical_query(vector.query)
    request = httpx.Request(
        "POST",
        f"http://{vector.host}/" + (f"?{query}" if query else ""),
        headers={
            "x-acs-action": vector.action,
            "x-acs-version": vector.version,
            "user-agent": "not signed",
            **({"content-type": FORM} if vector.body else {}),
        },
        content=vector.body.encode(),
    )
    (signed,) = AcsV3Auth(vector.credentials, now=lambda: now + 0.9, nonce=lambda: vector.nonce).auth_flow(request)
    names = ";".join(sorted(vector.headers))
    assert signed.headers["authorization"] == (
        f"ACS3-HMAC-SHA256 Credential={KEY_ID},SignedHeaders={names},Signature={vector.signature}"
    )
    assert signed.headers["x-acs-date"] == vector.date
    assert signed.url.query.decode() == query
    assert signed.content == vector.body.encode()


def test_an_empty_value_keeps_its_equals_sign():
    assert canonical_query({"b": "", "a": "1"}) == "a=1&b="
