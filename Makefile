# The commands of the project. Each installs what it needs; see CONTRIBUTING.md.

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/runstone
export CARGO_TARGET_DIR ?= $(CACHE)/target
export RUNSTONE_CACHE ?= $(CACHE)

.PHONY: demo test lint web wheel bench bench-growth chaos format

# The main job on real data: server, eight training runs, the best of them.
demo:
	scripts/demo.sh

# All tests; the gates first.
test: lint
	scripts/test.sh

# The gates: format, lints, edges between crates, licences, types, generated files, promises.
lint:
	scripts/lint.sh

# The pages, built to where the binary takes them from.
web:
	scripts/web.sh

# dist/runstone-*.whl: the Python package and the command in one file.
wheel:
	scripts/wheel.sh

# Measurements beside references; writes docs/reference/figures.md when asked with WRITE=1.
bench:
	scripts/bench.sh

# How cost grows with runs, series and points; draws docs/concepts/growth.svg.
bench-growth:
	scripts/growth.sh

# Two thousand seeded kills of each kind; CHAOS_KILLS and CHAOS_SEED choose others.
chaos:
	scripts/chaos.sh

format:
	cargo fmt --all
	scripts/venv.sh ruff format python tests benches scripts crates
