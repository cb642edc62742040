"""When sources are read, by whom, and how a reading ended: due → claimed → fetched → judged → thinned."""
