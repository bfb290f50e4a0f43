"""Events that come back: how many on average by a day, with a variance that trusts no model, and groups compared."""

from outcomes.estimators.counts.comparison import MeanDifference, MeanTest, compare_means, mean_difference
from outcomes.estimators.counts.mean_function import MeanCumulative, mean_at, mean_cumulative

__all__ = [
    "MeanCumulative",
    "MeanDifference",
    "MeanTest",
    "compare_means",
    "mean_at",
    "mean_cumulative",
    "mean_difference",
]
