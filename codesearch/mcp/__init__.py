"""The MCP server: code search for coding agents, in the folders that they were given and nowhere else.

Model Context Protocol, https://modelcontextprotocol.io; the official SDK is imported by `server.py` only, when the
server starts.
"""
