"""Which addresses a registered URL may lead to."""

import socket

import pytest

from workers.probes.addresses import PUBLIC_ONLY, Policy, PrivateAddress

PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104  an address that must not be asked
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1%eth0",
    "fd00::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "ff02::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_not_allowed_however_it_is_written(address: str) -> None:
    assert not PUBLIC_ONLY.allows(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "::ffff:93.184.216.34"])
def test_a_public_address_is_allowed(address: str) -> None:
    assert PUBLIC_ONLY.allows(address)


def test_the_operator_allows_networks_by_name() -> None:
    policy = Policy.parse(" 10.0.0.0/8, fd00::/8 ,")
    assert policy.allows("10.1.2.3")
    assert policy.allows("::ffff:10.1.2.3")
    assert policy.allows("fd12::1")
    assert not policy.allows("192.168.0.1")
    assert not policy.allows("127.0.0.1")


@pytest.mark.parametrize("text", ["10.0.0.1/8", "localhost", "10.0.0.0/40"])
def test_what_is_no_network_is_told_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"PROBE_NETWORKS names networks such as 10\.0\.0\.0/8"):
        Policy.parse(text)


def test_no_socket_is_made_for_a_private_address() -> None:
    info = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80))
    with pytest.raises(PrivateAddress):
        PUBLIC_ONLY.socket(info)
    with Policy.parse("127.0.0.0/8").socket(info) as made:
        assert made.family == socket.AF_INET
