"""The HTTP server for a team: a JSON API, a page and an MCP endpoint over the indexes of chosen repositories.

access.py       tokens, hashed in a file, and which repositories each may see
collection.py   the repositories that are served, open and kept fresh
records.py      requests and answers, as typed records that are checked and described
cursors.py      where in a list of results a client is
searches.py     from a request to an answer
contents.py     a file, its symbols, and its lines with their highlights
endpoints.py    the routes, one table, and what each does
openapi.py      their description, made of the table
guards.py       who is let through, how much may be sent, how long anything may take
metrics.py      counters for Prometheus
logs.py         the log, one JSON object a line
assembly.py     all of it as one ASGI application
listener.py     the sockets; the sole importer of uvicorn
static/         the page, as ``page/`` at the top builds it
"""
