"""The HTTP frame: typed routes on pydantic, OpenAPI 3.1, problem+json, tokens, drain."""
