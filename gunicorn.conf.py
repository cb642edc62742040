"""Read by gunicorn from the folder it is started in; what its command line says comes last."""

logger_class = "config.access_log.AccessLog"
