"""JSON Schemas as programs write them: by hand, by Pydantic, Zod and OpenAPI tools; each keyword that is claimed, alone
and with others."""

from __future__ import annotations


def obj(properties: dict, required: list[str] | None = None, **more: object) -> dict:
    return {"type": "object", "properties": properties, "required": required or [], **more}


def strict(properties: dict, **more: object) -> dict:
    """As structured output of several services asks for: everything is required, nothing else is there."""
    return obj(properties, list(properties), additionalProperties=False, **more)


STRING, INTEGER, NUMBER, BOOLEAN, NULL = ({"type": name} for name in ("string", "integer", "number", "boolean", "null"))

TYPES = [
    STRING,
    INTEGER,
    NUMBER,
    BOOLEAN,
    NULL,
    {"type": "array"},
    {"type": "object"},
    {},
    True,
    {"type": ["string", "null"]},
    {"type": ["integer", "array", "boolean"]},
    {"type": ["number", "object"]},
    {"title": "A", "description": "b", "default": 1, "examples": [2], "$comment": "c", "type": "integer"},
]

VALUES = [
    {"const": "a"},
    {"const": None},
    {"const": 1.5},
    {"const": {"a": [1, {"b": "c"}], "ä": "\n"}},
    {"enum": ["red", "green", "blue"]},
    {"enum": [1, "1", None, True, [], {}]},
    {"type": "string", "enum": ["a", 1, 'b"\\\u0001']},
    {"enum": [1, 2, 3], "minimum": 2},
    {"allOf": [{"enum": [1, 2, 3]}, {"enum": [2, 3, 4]}]},
    {"enum": ["a", "bb", "ccc"], "minLength": 2},
]

NUMBERS = [
    {"type": "integer", "minimum": 0},
    {"type": "integer", "maximum": -7},
    {"type": "integer", "minimum": 18, "maximum": 120},
    {"type": "integer", "minimum": -1000, "maximum": 1234567},
    {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 2},
    {"type": "integer", "minimum": 999, "maximum": 1000},
    {"type": "integer", "minimum": -2.5, "maximum": 2.5},
    {"type": "integer", "minimum": -9007199254740991, "maximum": 9007199254740991},
    {"type": "integer", "multipleOf": 100},
    {"type": "integer", "multipleOf": 10, "minimum": -95, "maximum": 95},
    {"type": "integer", "multipleOf": 7, "minimum": 3, "maximum": 100},
    {"type": "integer", "minimum": 10**18},
    {"type": "integer", "minimum": -1e30, "maximum": 1e30},
    {"type": "number", "minimum": 0, "maximum": 1},
    {"type": "number", "exclusiveMinimum": 0},
    {"type": "number", "maximum": 0},
    {"type": "number", "exclusiveMinimum": -1.5, "exclusiveMaximum": 1.5},
    {"type": "number", "minimum": 0.001, "maximum": 0.002},
    {"type": "number", "minimum": 98.6, "maximum": 107.6},
    {"type": "number", "minimum": -90, "maximum": 90},
    {"type": "number", "exclusiveMaximum": 1000},
    {"type": "number", "multipleOf": 1},
    {"type": "number", "minimum": 1e-7, "maximum": 1e7},
    {"type": "number", "minimum": 3.4, "maximum": 3.4},
]

STRINGS = [
    {"type": "string", "minLength": 1},
    {"type": "string", "maxLength": 5},
    {"type": "string", "minLength": 3, "maxLength": 3},
    {"type": "string", "minLength": 20, "maxLength": 200},
    {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$"},
    {"type": "string", "pattern": "^(red|green|blue)( (light|dark))?$"},
    {"type": "string", "pattern": "^[a-z]+$", "maxLength": 10},
    {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "minLength": 3, "maxLength": 12},
    {"type": "string", "pattern": '^[^"\\\\]*$'},
    {"type": "string", "pattern": "^\\+?[1-9][0-9]{1,14}$"},
    {"type": "string", "pattern": "^#(?:[0-9a-fA-F]{3}){1,2}$"},
    {"type": "string", "pattern": "^.{2,5}$"},
    {"type": "string", "pattern": "^a|b$"},
    {"type": "string", "pattern": "[xyz]"},
    {"type": "string", "pattern": '^[\\t\\n"]{1,3}$'},
    {"type": "string", "pattern": "^(a*)*b{2,}?$", "minLength": 4, "maxLength": 9},
    {"type": "string", "pattern": "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"},
    *(
        {"type": "string", "format": name}
        for name in ("date", "time", "date-time", "duration", "uuid", "ipv4", "ipv6", "hostname", "email", "uri")
    ),
    {"type": "string", "format": "password"},
    {"type": "string", "format": "date", "minLength": 10},
]

ARRAYS = [
    {"type": "array", "items": INTEGER},
    {"type": "array", "items": STRING, "minItems": 1, "maxItems": 3},
    {"type": "array", "maxItems": 0},
    {"type": "array", "items": {"type": "array", "items": BOOLEAN, "maxItems": 2}, "minItems": 2, "maxItems": 4},
    {"items": False},
    {"type": "array", "prefixItems": [STRING, INTEGER]},
    {"prefixItems": [STRING, INTEGER], "minItems": 2, "maxItems": 2},
    {"prefixItems": [NUMBER], "items": NULL, "maxItems": 4},
    {"prefixItems": [NULL], "minItems": 3, "maxItems": 5},
    {"prefixItems": [INTEGER, False]},
    {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 9, "maxItems": 12},
    {"allOf": [{"items": {"type": "integer"}}, {"items": {"minimum": 3}, "maxItems": 2}]},
    {"type": "array", "uniqueItems": False},
]

OBJECTS = [
    obj({"name": STRING, "age": {"type": "integer", "minimum": 0}}, ["name"]),
    obj({"a": INTEGER, "b": INTEGER, "c": INTEGER}),
    strict({"a": STRING, "b": {"type": ["integer", "null"]}}),
    strict({"user": strict({"id": INTEGER, "tags": {"type": "array", "items": STRING}})}),
    obj({}),
    obj({"a": NULL}, additionalProperties=INTEGER),
    obj({"a": NULL, "ab": NULL, "äb": NULL}, ["ab"], additionalProperties={"type": "boolean"}),
    obj({"a": INTEGER}, additionalProperties=True),
    {"type": "object", "additionalProperties": NUMBER},
    {"type": "object", "additionalProperties": False},
    {"type": "object", "additionalProperties": {"type": "array", "items": INTEGER, "maxItems": 2}, "maxProperties": 3},
    {"type": "object", "required": ["x", "y"]},
    {"required": ["x"], "type": "object", "additionalProperties": INTEGER},
    obj({"a": NULL, "b": NULL, "c": NULL}, minProperties=1),
    obj({"a": NULL, "b": NULL}, ["b"], maxProperties=1),
    obj({"a": NULL, "b": NULL}, minProperties=2),
    {"type": "object", "minProperties": 1, "additionalProperties": STRING},
    obj({"a": False, "b": INTEGER}),
    {"type": "object", "propertyNames": {"pattern": "^[a-z]{1,4}$"}, "additionalProperties": INTEGER},
    {"type": "object", "propertyNames": {"enum": ["x", "y"]}},
    {"type": "object", "propertyNames": {"maxLength": 3}, "minProperties": 1},
    {"type": "object", "patternProperties": {"^x-[a-z]{1,5}$": INTEGER}},
    {
        "type": "object",
        "patternProperties": {"^[0-9]{2}$": STRING},
        "properties": {"name": STRING},
        "required": ["name"],
        "additionalProperties": False,
    },
    obj(
        {'quote"': NULL, "new\nline": NULL, "back\\slash": NULL, "\u0001": NULL, "": NULL, "日本": NULL}, ['quote"', ""]
    ),
    obj({f"p{i}": INTEGER for i in range(60)}, ["p7"]),
    obj({f"p{i}": BOOLEAN for i in range(20)}, [f"p{i}" for i in range(0, 20, 3)]),
    {"properties": {"a": INTEGER}, "minimum": 3},
    {"properties": {"$ref": STRING, "type": INTEGER, "enum": NULL}, "required": ["$ref", "type"]},
]

COMBINED = [
    {"anyOf": [STRING, INTEGER]},
    {"anyOf": [{"type": "string", "maxLength": 2}, NULL]},
    {"oneOf": [STRING, INTEGER, NULL]},
    {"type": "integer", "anyOf": [{"minimum": 10}, {"maximum": -10}]},
    {"anyOf": [INTEGER, NUMBER]},
    {"anyOf": [True, False]},
    obj({"a": INTEGER, "b": INTEGER}, anyOf=[{"required": ["a"]}, {"required": ["b"]}]),
    obj(
        {"a": INTEGER, "b": INTEGER},
        anyOf=[{"properties": {"a": {"minimum": 3}}, "required": ["a"]}, {"required": ["b"]}],
    ),
    {
        "oneOf": [
            strict({"kind": {"const": "circle"}, "radius": NUMBER}),
            strict({"kind": {"const": "square"}, "side": NUMBER}),
            strict({"kind": {"enum": ["dot", "point"]}}),
        ]
    },
    {
        "type": "object",
        "oneOf": [
            {"properties": {"email": STRING}, "required": ["email"]},
            {"properties": {"phone": STRING}, "required": ["phone"]},
        ],
    },
    {"oneOf": [strict({"ok": {"const": True}, "value": INTEGER}), strict({"ok": {"const": False}, "error": STRING})]},
    {"oneOf": [{"type": "array", "items": INTEGER}, obj({"a": INTEGER})]},
    {"allOf": [obj({"a": INTEGER}, ["a"]), obj({"b": STRING}, ["b"])]},
    {"allOf": [obj({"a": INTEGER}), {"properties": {"a": {"minimum": 5}}, "required": ["a"]}]},
    {"allOf": [{"type": ["string", "integer"]}, {"type": ["integer", "null"]}, {"minimum": 0}]},
    {
        "allOf": [
            {"type": "object", "additionalProperties": {"type": "integer"}},
            {"properties": {"x": {"minimum": 3}}, "required": ["x"]},
        ]
    },
    {
        "allOf": [{"anyOf": [{"minimum": 0}, {"maximum": -100}]}, {"anyOf": [{"maximum": 50}, {"minimum": 1000}]}],
        "type": "integer",
    },
    {"allOf": [strict({"a": NULL}), True]},
    {"anyOf": [{"allOf": [obj({"a": INTEGER}), obj({"b": INTEGER})]}, NULL]},
]

REFERENCES = [
    {"$ref": "#/$defs/x", "$defs": {"x": INTEGER}},
    {"$ref": "#/definitions/a~1b", "definitions": {"a/b": {"type": "string", "maxLength": 3}}},
    {"$ref": "#x", "$defs": {"any": {"$anchor": "x", "type": "boolean"}}},
    {"$id": "https://example.com/s", "$ref": "https://example.com/s#/$defs/x", "$defs": {"x": NULL}},
    {
        "$defs": {"node": obj({"value": INTEGER, "next": {"anyOf": [{"$ref": "#/$defs/node"}, NULL]}}, ["value"])},
        "$ref": "#/$defs/node",
    },
    obj(
        {
            "name": {"type": "string", "maxLength": 5},
            "children": {"type": "array", "items": {"$ref": "#"}, "maxItems": 2},
        },
        ["name"],
    ),
    {
        "$defs": {
            "expr": {
                "oneOf": [
                    INTEGER,
                    {
                        "type": "array",
                        "prefixItems": [{"enum": ["+", "-"]}, {"$ref": "#/$defs/expr"}, {"$ref": "#/$defs/expr"}],
                        "minItems": 3,
                        "maxItems": 3,
                    },
                ]
            }
        },
        "$ref": "#/$defs/expr",
    },
    {
        "$defs": {"a": obj({"b": {"$ref": "#/$defs/b"}}), "b": obj({"a": {"$ref": "#/$defs/a"}, "n": NULL}, ["n"])},
        "$ref": "#/$defs/a",
    },
    {"properties": {"a": {"$ref": "#/properties/b", "minimum": 3}, "b": INTEGER}, "required": ["a"]},
    {"type": "array", "items": {"$ref": "#"}},
]

TOOLS = [
    {
        "title": "Recipe",
        "type": "object",
        "$defs": {
            "Ingredient": {
                "title": "Ingredient",
                "type": "object",
                "properties": {
                    "name": {"title": "Name", "type": "string"},
                    "grams": {"title": "Grams", "exclusiveMinimum": 0, "type": "number"},
                    "unit": {
                        "anyOf": [{"enum": ["g", "ml"], "type": "string"}, {"type": "null"}],
                        "default": None,
                        "title": "Unit",
                    },
                },
                "required": ["name", "grams"],
            }
        },
        "properties": {
            "title": {"maxLength": 40, "minLength": 3, "type": "string"},
            "ingredients": {"items": {"$ref": "#/$defs/Ingredient"}, "minItems": 1, "type": "array"},
            "minutes": {"minimum": 1, "maximum": 600, "type": "integer"},
            "created": {"format": "date-time", "type": "string"},
        },
        "required": ["title", "ingredients", "minutes"],
    },
    strict(
        {"steps": {"type": "array", "items": strict({"explanation": STRING, "output": STRING})}, "final_answer": STRING}
    ),
    strict(
        {
            "name": {"const": "get_weather"},
            "arguments": strict(
                {"location": STRING, "unit": {"type": ["string", "null"], "enum": ["celsius", "fahrenheit", None]}}
            ),
        }
    ),
    {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **strict(
            {
                "id": {"type": "string", "format": "uuid"},
                "at": {"type": "string", "format": "date-time"},
                "n": {"type": "integer", "exclusiveMinimum": 0, "maximum": 9007199254740991},
                "f": {"type": "number", "minimum": 0, "maximum": 1},
            }
        ),
    },
    strict(
        {
            "ui": {
                "anyOf": [
                    strict({"type": {"const": "div"}, "children": {"type": "array", "items": {"$ref": "#"}}}),
                    NULL,
                ]
            }
        }
    ),
    {
        "type": "object",
        "properties": {
            "matrix": {
                "type": "array",
                "items": {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2},
                "minItems": 2,
                "maxItems": 2,
            }
        },
        "required": ["matrix"],
    },
]

CASES = TYPES + VALUES + NUMBERS + STRINGS + ARRAYS + OBJECTS + COMBINED + REFERENCES + TOOLS

# What is refused, and the word that the error names.
REFUSED = [
    ({"not": STRING}, "not"),
    ({"if": STRING, "then": INTEGER}, "if"),
    ({"type": "array", "contains": INTEGER}, "contains"),
    ({"type": "array", "uniqueItems": True}, "uniqueItems"),
    ({"dependentRequired": {"a": ["b"]}}, "dependentRequired"),
    ({"dependentSchemas": {"a": STRING}}, "dependentSchemas"),
    ({"unevaluatedProperties": False}, "unevaluatedProperties"),
    ({"unevaluatedItems": False}, "unevaluatedItems"),
    ({"$dynamicRef": "#a"}, "$dynamicRef"),
    ({"$ref": "https://example.com/x"}, "$ref"),
    ({"type": "number", "multipleOf": 0.3}, "multipleOf"),
    ({"pattern": "a(?=b)"}, "lookaround"),
    ({"pattern": "(a)\\1"}, "back reference"),
    ({"format": "regex"}, "format"),
    ({"oneOf": [INTEGER, NUMBER]}, "oneOf"),
    ({"allOf": [{"pattern": "a"}, {"pattern": "b"}]}, "pattern"),
    ({"type": "object", "minProperties": 3}, "minProperties"),
    ({"enum": ["a"], "pattern": "b"}, "pattern"),
]
