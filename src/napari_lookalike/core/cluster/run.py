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
from napari_lookalike.core.errors import ClusterError
from napari_lookalike.core.pipeline.embed_one import EmbedOptions, Outcome
from napari_lookalike.core.progress import Job
from napari_lookalike.core.project import Project


def embed_on_cluster(
    project: Project,
    slide_ids: Sequence[str],
    address: str,
    url: str,
    options: EmbedOptions,
    job: Job,
) -> Iterator[Outcome]:
    """Embed slides on a Dask cluster, several workers to a slide if need be.

    A worker that dies costs some seconds of its work; Dask gives its tasks to others. Nothing
    is written twice: one process, the caller's, gives out what is missing and makes the
    feature files.

    Parameters
    ----------
    project
        The project; its folder must be at the same place on all machines.
    slide_ids
        Which slides.
    address
        See `connect.connected`.
    url
        A place that fsspec knows, if workers cannot write to the project's folder; else
        empty. They leave their work there; the feature files come to the project and to
        that place.
    options
        How; also of every worker's encoder.
    job
        Progress and cancel; what is finished stays.

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
    if not address:
        what = "A place for features is given, and no cluster."
        raise ClusterError(what, "Name the cluster too, or leave the place out.")
    check_address(address)
    settings = project.settings
    order = Order(
        run=f"lookalike-{uuid.uuid4().hex[:8]}",
        root=str(project.root),
        settings=settings,
        identity=encoder_identity(settings.encoder, settings.weights_path),
        version=__version__,
        url=check_url(url),
        options=options,
    )
    job.step(0, 0, f"Connecting to {address}")
    with connected(address) as client:
        crew = Crew(client, order, project, slide_ids)
        crew.check_all(job)
        foreman = Foreman(client, order, project, slide_ids, crew)
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
