"""Which names only this machine answers to."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Only this machine can reach *host*, or send its name."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
