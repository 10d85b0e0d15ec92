"""To a Dask cluster by its address, or to processes that are started here."""

from __future__ import annotations

import importlib.util
import logging
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from napari_lookalike.core.errors import ClusterError
from napari_lookalike.core.processes import deaf_to_ctrl_c

LOCAL: Final = re.compile(r"local:(\d{1,3})")
"""``local:4`` starts four worker processes on this machine."""

_PATIENCE_S: Final = 20


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """A `distributed.Client` for the length of a block.

    Parameters
    ----------
    address
        ``tcp://host:8786``, ``tls://host:8786`` (certificates as Dask's own configuration
        names them), or ``local:N`` for N worker processes here.

    Yields
    ------
    distributed.Client

    Raises
    ------
    ClusterError
        If Dask is not installed, the address makes no sense, or nobody answers there.
    """
    if importlib.util.find_spec("distributed") is None:
        raise ClusterError(
            "Dask's distributed is not installed here.",
            'Install it: pip install "napari-lookalike[cluster]".',
        )
    local = LOCAL.fullmatch(address.strip())
    with ExitStack() as stack:
        if local is not None:
            yield stack.enter_context(_started(int(local[1])))
        else:
            yield stack.enter_context(_client(check_address(address)))


def check_address(address: str) -> str:
    """An address with its protocol: ``host:8786`` is ``tcp://host:8786``.

    Raises
    ------
    ClusterError
        If it is no address.
    """
    address = address.strip()
    if LOCAL.fullmatch(address) and not address.endswith(":0"):
        return address
    found = re.fullmatch(
        r"(?:(tcp|tls|ws|wss|ucx)://)?([^\s/:]+|\[[0-9a-fA-F:]+\]):(\d{1,5})/?", address
    )
    if found is None or found[2] == "local":
        raise ClusterError(
            "This is no address of a Dask scheduler.",
            "Write it as tcp://host:8786, tls://host:8786, or local:4 for four processes here.",
        )
    return f"{found[1] or 'tcp'}://{found[2]}:{found[3]}"


@contextmanager
def _client(address: str) -> Iterator[Any]:
    from distributed import Client

    try:
        # Without a Security of ours, Dask takes the certificates from its configuration.
        client = Client(address, timeout=_PATIENCE_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError, TypeError) as error:
        raise ClusterError(
            f"No Dask scheduler answers at {address} ({type(error).__name__}).",
            "Start it (dask scheduler), check the address, and that no firewall is between.",
        ) from None
    try:
        yield client
    finally:
        client.close(timeout=5)


@contextmanager
def _started(workers: int) -> Iterator[Any]:
    """Worker processes of this machine, which end with the block."""
    from distributed import Client, LocalCluster

    if workers < 1:
        raise ClusterError("No worker process was asked for.", "Write local:4 for four of them.")
    with ExitStack() as stack:
        try:
            with deaf_to_ctrl_c():
                cluster = LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,  # a part has threads of its own that read
                    dashboard_address="127.0.0.1:0",
                    scheduler_kwargs={"dashboard": False},
                    silence_logs=logging.CRITICAL,
                    memory_limit=0,  # Dask would stop a worker for the tiles that it keeps
                    security=_own_security(),
                )
                stack.callback(cluster.close, timeout=10)
        except (OSError, RuntimeError, TimeoutError) as error:
            raise ClusterError(
                f"The worker processes could not be started ({type(error).__name__}).",
                "Close other programs, or embed without a cluster.",
            ) from None
        client = Client(cluster, set_as_default=False)
        stack.callback(client.close, timeout=5)
        yield client


def _own_security() -> Any:
    """Certificates for this run, so that no other user of the machine can join in.

    They need the package cryptography; without it, the ports are open to this machine.
    """
    if importlib.util.find_spec("cryptography") is None:
        return None
    from distributed.security import Security

    return Security.temporary()
