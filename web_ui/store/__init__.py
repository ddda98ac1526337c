"""What the server keeps: workflows with their revisions, an index of results, thumbnails, uploads. Nothing here knows HTTP.

Everything is synchronous and safe to use from several threads; several processes may share the same folders.
"""
