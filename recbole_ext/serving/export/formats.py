"""The formats of an export by name, and what is refused before anything is loaded; imports no torch."""

from pathlib import Path

from recbole_ext.errors import UsageError, nearest

FORMATS = {
    "onnx": "ONNX graphs: the encoder, one recurrent step (SS4Rec, Mamba4Rec) and the scores of all items",
    "vectors": "item and user embeddings with the ids of the data, as parquet and npy",
    "split": "training, validation and test as .inter files for benchmark_filename",
}
_NO_RECBOLE = (
    "--format=recbole is not offered: RecBole's loader takes checkpoint['config'] for a pickled object of its class "
    "Config, and a\nfile of tensors, numbers and text is none; this package writes no pickles. Export --format=split, "
    "and load the\nweights in a script of RecBole: safetensors.torch.load_file('RUN/checkpoint/best-N.safetensors')"
)


def require_format(name: str) -> None:
    """Refuse a format that is none.

    Raises:
        UsageError: it is unknown, or RecBole's `.pth`.
    """
    if name == "recbole":
        raise UsageError(_NO_RECBOLE)
    if name not in FORMATS:
        raise UsageError(f"--format must be one of {', '.join(FORMATS)} (got {name!r}){nearest(name, FORMATS)}")


def require_new(output: Path) -> None:
    """Refuse an output that exists.

    Raises:
        UsageError: it does.
    """
    if (output / "config.yaml").is_file():
        raise UsageError(f"--output={output}: this is the directory of a run; name a new directory")
    if output.exists() or output.is_symlink():
        raise UsageError(f"--output={output}: it exists, and nothing is overwritten; name a new directory")
