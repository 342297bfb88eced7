from tests.model.conftest import build  # noqa: F401  a small model of any name
