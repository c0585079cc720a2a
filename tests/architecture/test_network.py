"""Tests reach nothing beyond this machine, and no account."""

import os
import socket

import pytest

from tests.conftest import NetworkRefused, is_local


@pytest.mark.parametrize("host", [None, "", "localhost", b"127.0.0.1", "::1", "0.0.0.0", "bucket.s3.localhost"])  # noqa: S104
def test_this_machine_is_within_reach(host: str | bytes | None) -> None:
    assert is_local(host)


@pytest.mark.parametrize("host", ["example.com", "169.254.169.254", "10.0.0.1", "localhost.example.com"])
def test_what_lies_beyond_is_not(host: str) -> None:
    assert not is_local(host)


def test_a_test_that_looks_up_a_foreign_host_is_stopped() -> None:
    with pytest.raises(NetworkRefused, match=r"sagemaker\.example\.com"):
        socket.getaddrinfo("sagemaker.example.com", 443)


def test_a_test_that_connects_to_a_foreign_address_is_stopped() -> None:
    with socket.socket() as connection, pytest.raises(NetworkRefused, match=r"192\.0\.2\.1"):
        connection.connect(("192.0.2.1", 80))


def test_no_real_credentials_are_within_reach() -> None:
    assert os.environ["AWS_ACCESS_KEY_ID"] == "test"
    assert "AWS_PROFILE" not in os.environ
