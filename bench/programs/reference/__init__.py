"""The same site with the usual parts: FastAPI, the ORM of SQLAlchemy, boto3, mangum, PyJWT, pydantic, Jinja2."""
