"""The answer of a run: a Report, how it is made, printed, compared and explained."""

from crossbar.report.build import build_report
from crossbar.report.difference import Difference, Row, compare_reports
from crossbar.report.difference_text import difference_table
from crossbar.report.explanation import explain_number, number_names
from crossbar.report.page import html_page, save_page
from crossbar.report.report import SCHEMA, Report
from crossbar.report.text import report_table
from crossbar.report.trace import Explanation, Term

__all__ = [
    "SCHEMA",
    "Difference",
    "Explanation",
    "Report",
    "Row",
    "Term",
    "build_report",
    "compare_reports",
    "difference_table",
    "explain_number",
    "html_page",
    "number_names",
    "report_table",
    "save_page",
]
