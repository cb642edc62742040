# The words of manage.py, for fingers used to make.
.PHONY: demo serve test lint crash bench

demo serve test:
	python3 manage.py $@

lint:
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

crash:
	python3 manage.py test tests/crash

bench:
	.venv/bin/python -m benchmarks
