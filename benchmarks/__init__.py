"""Side by side with peers: each module is one command that prints what it measured and how to repeat it."""

import warnings

from recbole_ext.threads import wait_briefly

wait_briefly()  # as the main command does, before torch is imported
warnings.filterwarnings("ignore", category=FutureWarning)  # RecBole's use of pandas
