"""Comparisons with other libraries: each module is one command that prints its measurements and how to repeat them."""

import warnings

warnings.filterwarnings("ignore", category=FutureWarning)  # RecBole's use of pandas
