"""A project's marks on a server, with other people's, and back."""

from __future__ import annotations

from dataclasses import replace

from napari_lookalike.core.hard_negatives.database import refuse_password, without_password
from napari_lookalike.core.hard_negatives.merge import MergeReport, merge
from napari_lookalike.core.hard_negatives.old_answers import take_over_old_file
from napari_lookalike.core.hard_negatives.outbox import send_waiting
from napari_lookalike.core.hard_negatives.table import HardNegativeTable
from napari_lookalike.core.project import Project


def share(project: Project, url: str, *, by: str = "") -> MergeReport:
    """Keep a project's marks on a server from now on.

    All that the project's own table holds goes there first, its history too, and the answers
    to suggestions that older versions kept in a file; both files stay where they are. Projects
    of several people that name the same address share their marks; their slides must have the
    same slide_ids.

    Parameters
    ----------
    project
        The project.
    url
        Such as ``postgresql://anna@server/marks``, without a password.
    by
        Who does it, for the log.

    Raises
    ------
    TableError
        If the address is wrong or holds a password, the server is out of reach, or may not
        be written.
    ProjectError
        If the project cannot be written.
    """
    project.check_writable()
    refuse_password(url)
    take_over_old_file(project)
    send_waiting(project)
    there = HardNegativeTable(url)
    with there.database.writing():
        pass  # make the tables, or say now why not
    report = merge(there, HardNegativeTable(project.table_place), by=by)
    address = without_password(url)
    project.save(settings=replace(project.settings, shared_table=address))
    return report


def stop_sharing(project: Project, *, by: str = "") -> MergeReport:
    """Keep a project's marks in its own folder again, with all that the server has.

    Raises
    ------
    TableError
        If the server is out of reach: the marks would be those of before sharing.
    ProjectError
        If the project cannot be written.
    """
    project.check_writable()
    if not project.settings.shared_table:
        return MergeReport()
    send_waiting(project)
    shared = HardNegativeTable(project.settings.shared_table)
    report = merge(HardNegativeTable(project.table_path), shared, by=by)
    project.save(settings=replace(project.settings, shared_table=""))
    return report
