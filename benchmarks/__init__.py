"""Side by side with peers: each module is one command that prints what it measured and how to repeat it."""

import warnings

warnings.filterwarnings("ignore", category=FutureWarning)  # RecBole's use of pandas
