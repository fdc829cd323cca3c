"""Findings to judge: one at a time, and any list of them."""

from hypothesis import strategies as st

from jenkins_scan.findings import Finding, Kind, Severity


def finding(id="CVE-2024-0001", severity=Severity.HIGH, kind=Kind.VULNERABILITY, **fields):  # noqa: A002  the field's own name
    """A finding that differs from a usual one in what matters to the test."""
    return Finding(
        **{"kind": kind, "id": id, "severity": severity, "title": "a problem", "package": "openssl", **fields}
    )


def findings():
    """Lists of findings with few ids and packages, so that they often meet a gate, a waiver or one another."""
    one = st.builds(
        finding,
        id=st.sampled_from(["CVE-2024-0001", "CVE-2024-0002", "ak_leak", "unreadable-row-1"]),
        severity=st.sampled_from(Severity),
        kind=st.sampled_from(Kind),
        package=st.sampled_from([None, "openssl", "zlib"]),
        path=st.sampled_from([None, "/usr/lib/x.so"]),
        fixable=st.sampled_from([None, True, False]),
        aliases=st.sampled_from([(), ("GHSA-1",), ("cve-2024-0002",)]),
    )
    return st.lists(one, max_size=8)
