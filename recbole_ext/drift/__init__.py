"""Model drift: a trained model on later windows, without retraining.

options, future            what is measured; the run's future, and its windows
windowed, rows, baselines  one pass over the future, by window: the model, baselines frozen and refitted
reference                  the run's own evaluation, from which losses are counted
past_files, retrained      the run trained again up to a window, or fine-tuned
quality, estimates         metrics on one scale; values and differences by window, with intervals over users
decay                      the curve and its half-life
verdict, recommendation    what is lost beyond the nulls; whether retraining is worth its cost
data                       the data measures of the same windows
judged, sentences          windows and verdicts as `drift.json` holds them; what they mean
contents, output, measure  `drift.json`; the folder; the command
console, report/           what people read of it
"""
