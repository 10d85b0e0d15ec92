"""The report of one model version, for a reviewer and for a pathologist.

`facts.build_model_report` gathers what is known as JSON values; `page.html_page` turns that
into one HTML file without scripts and without anything from elsewhere.
"""

from __future__ import annotations

from napari_lookalike.core.model_report.facts import build_model_report
from napari_lookalike.core.model_report.files import save_model_report
from napari_lookalike.core.model_report.page import html_page

__all__ = ["build_model_report", "html_page", "save_model_report"]
