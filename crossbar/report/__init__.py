"""The answer of a run: a Report, how it is made and how it is printed."""

from crossbar.report.build import build_report
from crossbar.report.report import SCHEMA, Report
from crossbar.report.text import report_table

__all__ = ["SCHEMA", "Report", "build_report", "report_table"]
