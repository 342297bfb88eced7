"""A finished run behind HTTP: FastAPI and uvicorn, which no other package of recbole_ext imports (docs/serving.md)."""
