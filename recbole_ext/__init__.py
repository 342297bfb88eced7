"""State-space recommenders on RecBole: exact times, honest numbers, one command.

The map, in the order in which a run uses it:

    cli.py          words into calls, errors into one line and an exit code
    config/         one strict configuration, with the origin of every value
    registry.py     the one list of what exists: name -> model, data set class, trainer class
    data/           atomic files -> exact interactions -> batches
    model/          one file per model: its equations
    ssm/            the mathematics of state-space layers and their kernels
    training/       the loop, the checkpoints, the run directory
    evaluation/     what was measured, under which protocol, beside which baselines
    quick_start.py  run(): the ten calls that tie them together
    experiments/    many runs: templates, seeds, criteria, comparison, diagnosis, reports
"""

__version__ = "0.1.0"
