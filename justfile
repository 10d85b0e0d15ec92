# The four verbs of daily work (https://just.systems); each also works without just.

# Format and mend what can be mended.
fix:
    .venv/bin/ruff check --fix .
    .venv/bin/ruff format .

# All checks, no tests.
check:
    python3 tasks.py check

# All checks and tests.
test *ARGS:
    python3 tasks.py test {{ARGS}}

# Documentation into site/.
docs:
    python3 tasks.py docs
