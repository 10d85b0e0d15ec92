"""Addresses of clusters, and what is said where there is none."""

from __future__ import annotations

import importlib.util

import pytest

from napari_lookalike.core.cluster.connect import check_address, connected
from napari_lookalike.core.errors import ClusterError


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("tcp://10.0.0.1:8786", "tcp://10.0.0.1:8786"),
        (" scheduler.lab:8786 ", "tcp://scheduler.lab:8786"),
        ("tls://scheduler:8786/", "tls://scheduler:8786"),
        ("tcp://[::1]:8786", "tcp://[::1]:8786"),
        ("local:4", "local:4"),
    ],
)
def test_addresses(typed: str, address: str) -> None:
    assert check_address(typed) == address


@pytest.mark.parametrize(
    "typed", ["", "local", "local:0", "local:x", "host", "http://host:1", "a b:1"]
)
def test_what_is_no_address(typed: str) -> None:
    with pytest.raises(ClusterError, match="no address") as error:
        check_address(typed)
    assert "local:4" in error.value.remedy


def test_without_dask_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "distributed" else plain(name)
    )
    with pytest.raises(ClusterError, match="not installed") as error, connected("host:8786"):
        pass
    assert "napari-lookalike[cluster]" in error.value.remedy
