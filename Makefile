# The words of manage.py, for fingers used to make.
.PHONY: demo serve test lint crash bench

demo serve test:
	python3 manage.py $@

lint:
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

crash:
	CRASH=full python3 manage.py test tests/crash tests/newsletter/test_events_shuffled.py -n 2 --dist loadfile

bench:
	.venv/bin/python -m benchmarks
