"""A cohort on a Dask cluster: the client's side."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from napari_lookalike import __version__
from napari_lookalike.core.cluster.connect import check_address, connected
from napari_lookalike.core.cluster.crew import Crew
from napari_lookalike.core.cluster.desk import stop
from napari_lookalike.core.cluster.drop import check_url
from napari_lookalike.core.cluster.foreman import Foreman
from napari_lookalike.core.cluster.values import Order
from napari_lookalike.core.encoders import encoder_identity
from napari_lookalike.core.pipeline.embed import Outcome
from napari_lookalike.core.progress import Job
from napari_lookalike.core.project import Project


def embed_on_cluster(
    project: Project,
    slide_ids: Sequence[str],
    address: str,
    job: Job,
    *,
    url: str = "",
    device: str = "",
    batch: int = 0,
    stop_at: float = 1.0,
) -> Iterator[Outcome]:
    """Embed slides on a Dask cluster, several workers to a slide if need be.

    A worker that dies costs the few seconds since it last wrote; Dask gives its tasks to
    others. Nothing is written twice: tiles that are there are not embedded again, and one
    process, the caller's, makes the feature files.

    Parameters
    ----------
    project
        The project; its folder must be at the same place on all machines.
    slide_ids
        Which slides.
    address
        See `connect.connected`.
    job
        Progress and cancel; what is finished stays.
    url
        A place that fsspec knows, if workers cannot write to the project's folder. They
        leave their work there; the feature files come to the project and to that place.
    device, batch
        Of every worker's encoder; found out by itself if not given.
    stop_at
        Share of a slide's tiles that is enough.

    Yields
    ------
    Outcome
        One per slide, as they come.

    Raises
    ------
    ClusterError
        If the cluster cannot be reached, or a worker cannot do the work (before it begins).
    JobCancelled
        If the job was cancelled.
    """
    if not slide_ids:
        return
    check_address(address)
    settings = project.settings
    order = Order(
        run=f"lookalike-{uuid.uuid4().hex[:8]}",
        root=str(project.root),
        settings=settings,
        identity=encoder_identity(settings.encoder, settings.weights_path),
        version=__version__,
        url=check_url(url),
        options={"device": device} if device else {},
        batch=batch,
    )
    job.step(0, 0, f"Connecting to {address}")
    with connected(address) as client:
        crew = Crew(client, order, project, slide_ids)
        crew.check_all(job)
        foreman = Foreman(client, order, project, slide_ids, crew, stop_at)
        try:
            yield from foreman.outcomes(job)
        finally:
            foreman.close()
            _tell_all(client, order.run)


def _tell_all(client: Any, run: str) -> None:
    """The run is over, or was cancelled: workers end its tasks and close its slides."""
    if client.status == "running":
        with contextlib.suppress(OSError, TimeoutError, RuntimeError):
            client.run(stop, run, on_error="ignore")
