"""State-space recommenders on RecBole: exact times, honest numbers, one command.

The map, from the floor up; a room imports the rooms above its line in this list, never those below:

    errors.py, names.py, places.py, redact.py, files.py, versions.py, environment.py, registry.py, devices.py
    ssm/            the mathematics of state-space layers and their kernels
    config/         one strict configuration, with the origin of every value
    data/           atomic files -> exact interactions -> splits
    model/          one file per model: its equations; its parts by task
    evaluation/     metrics by user, protocol, criteria, statistics
    runs/           the run directory: configuration, vocabulary, checkpoints
    training/       the loop, optimization, guards, tracking
    tasks/          what differs between ranking, ratings and clicks
    pipeline/       one run: check, build, train, evaluate; dry run; import of checkpoints
    serving/        a finished run that answers
    diagnosis/      rules that read learning curves and results
    report/         pages, charts, model card
    experiments/    many runs: templates, seeds, attempts
    comparison/     finished runs beside each other; ensembles
    tuning/         search over settings
    cli/            the command line
"""

from dataset_tools.platforms import require_platform

require_platform()

__version__ = "0.1.0"
