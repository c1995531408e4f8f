// The packaged Swagger UI (4.x) shows the schemas of OpenAPI 3.1 but refuses its version number,
// so the copy that it is given, and only that, says 3.0.
fetch("openapi.json")
  .then((response) => response.json())
  .then((spec) => {
    document.title = spec.info.title;
    SwaggerUIBundle({
      dom_id: "#swagger-ui",
      spec: { ...spec, openapi: "3.0.3" },
      persistAuthorization: true,
    });
  });
