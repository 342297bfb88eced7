"""What is known of the errors of honest rating predictions, in numbers; imports nothing."""

HONEST = {"ml-100k": 0.845, "ml-1m": 0.79, "ml-10m": 0.735, "ml-20m": 0.73, "ml-25m": 0.73, "ml-32m": 0.73}
"""RMSE below which nothing honest is known on a random split, a little under the best published or measured."""
NOISE = 0.55
"""RMSE of people who rate the same films again, in stars of a scale of 1 to 5; no model can be better."""
SPREAD = 1.1
"""Standard deviation of the ratings of those data sets; NOISE leaves a model an R2 of 1 - (NOISE / SPREAD)^2 = 0.75."""
