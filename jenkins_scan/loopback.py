"""Which hosts are this machine itself: plain http and stand-ins are for these alone."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether traffic to this host name or IP address, without a port, stays on this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
