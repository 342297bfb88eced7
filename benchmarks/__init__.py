"""Side by side with peers: each module is one command that prints what it measured and how to repeat it."""

import os
import warnings

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as the main command does, before torch is imported
warnings.filterwarnings("ignore", category=FutureWarning)  # RecBole's use of pandas
