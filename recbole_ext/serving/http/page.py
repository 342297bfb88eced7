"""The description of the paths as a page that loads nothing from elsewhere, unlike FastAPI's own pages."""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader

_PAGE = Environment(loader=PackageLoader(__package__), autoescape=True, trim_blocks=True, lstrip_blocks=True)


def api_page(openapi: Mapping[str, Any]) -> str:
    """The page.

    Args:
        openapi: the description in the form of OpenAPI 3.
    """
    schemas = openapi.get("components", {}).get("schemas", {})
    paths = [
        {
            "method": method.upper(),
            "path": path,
            "summary": operation.get("summary", ""),
            "fields": _fields(_body(operation), schemas),
            "answer": _fields(_answer(operation), schemas),
        }
        for path, operations in openapi["paths"].items()
        for method, operation in operations.items()
    ]
    return _PAGE.get_template("api.html").render(info=openapi["info"], paths=paths)


def _body(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    return _schema(operation.get("requestBody", {}))


def _answer(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    return _schema(operation.get("responses", {}).get("200", {}))


def _schema(part: Mapping[str, Any]) -> Mapping[str, Any]:
    schema: Mapping[str, Any] = part.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def _fields(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Name, type, whether it is required, and description of each field of an object."""
    schema = _resolved(schema, schemas)
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "type": _type(field, schemas),
            "required": name in required,
            "description": field.get("description", ""),
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object that a schema is or refers to; of alternatives the first."""
    if "$ref" in schema:
        return _resolved(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    choices = schema.get("oneOf") or schema.get("anyOf")
    return _resolved(choices[0], schemas) if choices else schema


def _type(field: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    if "$ref" in field:
        inner = _fields(field, schemas)
        return "{" + ", ".join(one["name"] + ("" if one["required"] else "?") for one in inner) + "}"
    if "anyOf" in field:
        return " or ".join(_type(choice, schemas) for choice in field["anyOf"])
    if field.get("type") == "array":
        return f"list of {_type(field['items'], schemas)}"
    return str(field.get("type", "any"))
