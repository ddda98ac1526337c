"""Where jobs run: processes apart from the server, one for each device."""
