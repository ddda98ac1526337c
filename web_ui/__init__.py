"""The server of Latent Loom and its editor: what a browser, a script or another program talks to."""
