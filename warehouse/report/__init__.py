"""The report: one HTML file that people open every morning.

`build_report` asks `warehouse.queries` and defines no metric of its own.
"""

from warehouse.report.build import ReportSummary, build_report

__all__ = ["ReportSummary", "build_report"]
