"""Curves of an evaluation onto their charts."""

import numpy as np
from PySide6.QtCore import QCoreApplication

from medbench.session.evaluation_desk import Dashboard
from medbench.ui.theme.current import current
from medbench.ui.theme.tokens import class_colour
from medbench.ui.widgets.plot import PlotCard

translate = QCoreApplication.translate


def draw_curves(
    dashboard: Dashboard,
    roc_chart: PlotCard,
    pr_chart: PlotCard,
    calibration_chart: PlotCard,
    histogram_chart: PlotCard,
) -> None:
    """ROC, precision-recall, calibration, and the scores of each class."""
    grey = current().outline
    roc, pr, calibration = dashboard.roc, dashboard.precision_recall, dashboard.calibration
    for chart in (roc_chart, pr_chart, calibration_chart, histogram_chart):
        chart.clear_series()
    roc_chart.set_series("chance", [0, 1], [0, 1], grey, style="dashed", width=1)
    roc_chart.set_series("roc", roc.false_positive_rate, roc.true_positive_rate, 0, width=2)
    pr_chart.set_series(
        "events",
        [0, 1],
        [pr.prevalence] * 2,
        grey,
        style="dashed",
        width=1,
        legend=translate("Charts", "events {0:.2f}").format(pr.prevalence),
    )
    pr_chart.set_series("pr", pr.recall, pr.precision, 0, width=2)
    calibration_chart.set_series("ideal", [0, 1], [0, 1], grey, style="dashed", width=1)
    calibration_chart.set_band(
        "interval", calibration.mean_score, calibration.low, calibration.high
    )
    error = calibration.expected_calibration_error
    calibration_chart.set_series(
        "observed",
        calibration.mean_score,
        calibration.observed,
        0,
        marker="o",
        legend=translate("Charts", "error {0:.2f}").format(error),
    )
    known = dashboard.evaluation.predictions.labelled
    positive = int(known.meta["positive"])
    edges = np.linspace(0, 1, 26)
    middle, width = (edges[:-1] + edges[1:]) / 2, edges[1] - edges[0]
    classes = known.meta["classes"]
    score, truth = known.scores[:, positive], known.labels == positive
    up, _ = np.histogram(score[truth], edges)
    down, _ = np.histogram(score[~truth], edges)
    other = next(i for i in range(len(classes)) if i != positive)
    histogram_chart.set_bars("up", middle, up, width, class_colour(positive, positive))
    histogram_chart.set_bars("down", middle, -down, width, class_colour(other, positive))
    rest = classes[other] if len(classes) == 2 else translate("Charts", "others")
    histogram_chart.set_series(
        "a",
        [],
        [],
        class_colour(positive, positive),
        legend=translate("Charts", "{0}, up").format(classes[positive]),
    )
    histogram_chart.set_series(
        "b",
        [],
        [],
        class_colour(other, positive),
        legend=translate("Charts", "{0}, down").format(rest),
    )
    histogram_chart.set_range((0, 1), None)
