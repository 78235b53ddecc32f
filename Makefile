# `make` prints the targets. PIPELINE= chooses the pipeline, SELECT= a part of it.
PIPELINE ?= pipelines/australia.yaml
PROFILE ?= quick
REBOUND = target/$(PROFILE)/rebound
PYTHON ?= python3
VENV = target/venv
ROWS ?= 20000000
CASES ?= 100000
SEEDS ?= 100
SEQUENCES ?= 5000
SECONDS ?= 1200
RECORDS ?= 1000000000
SEED ?= 1
DESIGNS ?= 1000
# The page that benchmarks put their tables on; none with PAGE=.
PAGE ?= docs/how-fast.md
MDBOOK_VERSION ?= 0.5.4
MDBOOK = target/mdbook/bin/mdbook
# The crates that are built: the program alone, or with --workspace the SQL server and the cluster too, all with the same features of DataFusion.
MEMBERS ?=
# Other options of cargo: CI has some of its own.
OPTIONS ?=
# What the wheel and the Debian package are built by: everything is optimised, and what debuggers read is stripped.
PACKAGE_PROFILE ?= release

.DEFAULT_GOAL := help
.PHONY: help build build-serve build-cluster serve cluster-demo demo nation run plan ingest aggregate plausibility relatedness diversification resilience spatial policy tables panels models report \
	fmt lint test test-pure fuzz torture test-rust test-tools sample-lake test-python test-s3 test-clients test-clients-heavy test-oracles test-serve test-cluster package test-package test-notebooks wheel deb bench bench-ingest bench-space bench-resilience bench-models bench-python bench-nightly bench-nation bench-growth bench-billion bench-load bench-serve bench-units bench-short validate docs pictures book ci clean

help: ## print the targets
	@grep -E '^[a-z -]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

build: ## build the program (everyday profile; PROFILE=release for large data)
	cargo build --profile $(PROFILE) $(MEMBERS) $(OPTIONS)

build-serve build-cluster: build ## build the SQL server and the cluster too, which `rebound serve` and `rebound cluster` run (once more DataFusion: minutes)
	cargo build --profile $(PROFILE) $(if $(MEMBERS),$(MEMBERS),-p serve -p cluster) $(OPTIONS)

serve: build-serve ## serve what is published in lake/ to PostgreSQL clients on 127.0.0.1:5432
	$(REBOUND) serve

cluster-demo: build-cluster ## start a Ballista scheduler and two executors on this machine, and run the sample on them
	pipelines/cluster-demo.sh $(REBOUND)

demo: build ## run the main job on the shipped Australian sample and show what it made
	$(REBOUND) run pipelines/australia.yaml
	$(REBOUND) sql "select episode, region_name, round(resistance, 2) as resistance, round(recovery, 2) as recovery, round(upgrading, 2) as upgrading from panel.region order by episode, resistance desc"

nation: build ## make up a nation's firm-level records, with known effects, and run the whole pipeline on them
	rm -rf made-up
	$(REBOUND) synth --layout config/layouts/china_2007_2011.yaml -o made-up --rows 500000 --regions 100 --products 800 --from 2007 --to 2011 --dirt 0.02
	$(REBOUND) run pipelines/nation.yaml
	$(REBOUND) sql --lake lake-nation "select region_name, round(resistance, 2) as resistance, round(recovery, 2) as recovery from panel.region order by resistance desc limit 10"

run: build ## run PIPELINE, or SELECT of it
	$(REBOUND) run $(PIPELINE) $(if $(SELECT),--select '$(SELECT)')

plan: build ## say what `make run` would do, and why
	$(REBOUND) plan $(PIPELINE) $(if $(SELECT),--select '$(SELECT)')

ingest: build ## run the stage: raw files to customs.*
	$(REBOUND) run $(PIPELINE) --select ingest

aggregate: build ## run the stage: records to trade.*
	$(REBOUND) run $(PIPELINE) --select aggregate

plausibility: build ## run the stage: what looks misread in trade.* to trade.findings
	$(REBOUND) run $(PIPELINE) --select plausibility

relatedness: build ## run the stage: trade to space.*
	$(REBOUND) run $(PIPELINE) --select relatedness

diversification: build ## run the stage: trade to diversification.*
	$(REBOUND) run $(PIPELINE) --select diversification

resilience: build ## run the stage: trade to resilience.*
	$(REBOUND) run $(PIPELINE) --select resilience

spatial: build ## run the stage: region measures to spatial.*
	$(REBOUND) run $(PIPELINE) --select spatial

policy: build ## run the stage: rates of rebates to policy.*
	$(REBOUND) run $(PIPELINE) --select policy

tables: build ## run the stage: files from elsewhere to external.*
	$(REBOUND) run $(PIPELINE) --select tables

panels: build ## run the stage: SQL files to panel.*
	$(REBOUND) run $(PIPELINE) --select panels

models: build ## run the stage: regressions to model.*
	$(REBOUND) run $(PIPELINE) --select models

report: build ## draw what PIPELINE has published: report/report.html and its figures
	$(REBOUND) report $(PIPELINE) -o report

fmt: ## format the code
	cargo fmt --all

lint: ## formatting, clippy and rustdoc, warnings denied
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --profile $(PROFILE) -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --profile $(PROFILE)

test: test-rust ## all tests: units, the whole on real data, documentation examples, Parquet read from Python
	$(MAKE) test-python test-s3

test-rust: ## the tests that cargo runs
	cargo test --profile $(PROFILE) $(MEMBERS) $(OPTIONS)

test-pure: ## tests of the crates without IO: seconds
	cargo test --profile $(PROFILE) -p trade -p space -p resilience -p estimate

fuzz: ## the property tests of the row parser, the layout reader and files of any form, CASES cases each
	PROPTEST_CASES=$(CASES) cargo test --profile $(PROFILE) -p trade --lib whatever
	PROPTEST_CASES=$(CASES) cargo test --profile $(PROFILE) -p project --lib whatever
	PROPTEST_CASES=$(CASES) cargo test --profile $(PROFILE) -p sources --lib whatever

torture: fuzz ## property tests (CASES, DESIGNS), SEQUENCES of changes of raw files and config, every SQL function with huge arguments, and SECONDS of kills, races, damage, starvation and faulty stores from SEED
	PROPTEST_CASES=$(CASES) cargo test --profile $(PROFILE) -p estimate --test designs
	SEQUENCES=$(SEQUENCES) cargo test --profile $(PROFILE) --test whole units::any_history
	$(MAKE) build $(VENV)/ready
	$(VENV)/bin/python tests/python/random_designs.py $(REBOUND) 2 $(DESIGNS)
	$(MAKE) build-serve
	test -d target/python-lake || $(REBOUND) --quiet run pipelines/australia.yaml --lake target/python-lake
	$(VENV)/bin/python tests/python/memory.py $(REBOUND) target/python-lake --all
	$(PYTHON) tests/python/low_memory.py $(REBOUND)
	$(VENV)/bin/python tests/python/s3_input.py $(REBOUND) --long
	$(VENV)/bin/python tests/python/torture.py $(REBOUND) target/python-lake --seconds $(SECONDS) --seed $(SEED)

$(VENV)/ready: Makefile
	$(PYTHON) -m venv $(VENV) || (apt-get update && apt-get install -y python3-venv && $(PYTHON) -m venv $(VENV))
	$(VENV)/bin/pip install --quiet duckdb==1.4.2 'moto[s3,server]==5.1.16' pyarrow==22.0.0 pandas==3.1.1 pyreadstat==1.3.7 pyfixest==0.60.0 playwright==1.65.2 \
		pytest==9.2.0 nbmake==1.5.5 ipykernel==7.4.0 polars==2.1.0 great-tables==1.1.0 'psycopg[binary]==3.2.12' psycopg2-binary==2.9.13 connectorx==0.4.6 adbc-driver-manager==1.13.0 adbc-driver-flightsql==1.13.0 adbc-driver-postgresql==1.13.0 sqlalchemy==2.0.44 pexpect==4.9.0 pyyaml==6.0.4 \
		openpyxl==3.1.5 pillow==13.0.0 pypdfium2==5.15.2
	touch $@

# The programs that tests take beside Python's packages: installed at once, as two installations do not go on side by side.
test-tools:
	tools=; for tool in strace:strace chromium:chromium psql:postgresql-client openssl:openssl; do \
		command -v $${tool%%:*} >/dev/null || tools="$$tools $${tool#*:}"; done; \
		test -z "$$tools" || (apt-get update && apt-get install -y $$tools)

sample-lake: build
	rm -rf target/python-lake
	$(REBOUND) --quiet run pipelines/australia.yaml --lake target/python-lake

test-python: sample-lake test-tools $(VENV)/ready ## Parquet, Stata, workbooks and GeoParquet open elsewhere, pyfixest agrees, nothing is lost that is killed or damaged, the shell and the report work
	$(VENV)/bin/python tests/python/open_parquet.py $(REBOUND) target/python-lake
	$(VENV)/bin/python tests/python/models.py $(REBOUND) target/python-lake
	$(VENV)/bin/python tests/python/random_designs.py $(REBOUND) 1 60
	$(PYTHON) tests/python/durable.py $(REBOUND) pipelines/australia.yaml
	$(PYTHON) tests/python/machine.py $(REBOUND)
	$(VENV)/bin/python tests/python/torture.py $(REBOUND) target/python-lake --seconds 20
	$(VENV)/bin/python tests/python/shell.py $(REBOUND) target/python-lake
	$(VENV)/bin/python tests/python/languages.py
	$(VENV)/bin/python tests/python/report.py $(REBOUND) pipelines/australia.yaml target/python-lake
	$(VENV)/bin/python tests/python/eyes.py $(REBOUND) pipelines/australia.yaml target/python-lake $(if $(MEMBERS),--only one arabic plain)

test-s3: sample-lake $(VENV)/ready ## raw files and lakes on an S3 server, which fails, races and is asked again
	$(VENV)/bin/python tests/python/s3_input.py $(REBOUND)
	$(VENV)/bin/python tests/python/s3_lake.py $(REBOUND) target/python-lake

# Of the whole workspace together: features are those of all its members, and DataFusion is the one of `make build-serve` and CI.
package: ## build the Python package into target/package, for PYTHONPATH; `pip install .` installs it
	cargo build --profile $(PROFILE) $(if $(MEMBERS),$(MEMBERS),--workspace) $(OPTIONS)
	rm -rf target/package
	mkdir -p target/package/rebound_trade
	cp python/rebound_trade/*.py python/rebound_trade/*.pyi python/rebound_trade/py.typed target/package/rebound_trade/
	cp target/$(PROFILE)/lib_rebound.so target/package/rebound_trade/_rebound.abi3.so

test-package: package test-tools $(VENV)/ready ## the Python package: numbers, types, errors, threads, Ctrl-C, figures; every Python block of the book
	PYTHONPATH=$(CURDIR)/target/package $(VENV)/bin/python -m pytest -q tests/python_package

test-notebooks: package $(VENV)/ready ## the notebooks of the book run, and give what is kept in them (UPDATE_EXPECT=1 keeps it anew)
	rm -rf target/notebooks && mkdir -p target/notebooks && cp docs/notebooks/*.ipynb target/notebooks/
	PYTHONPATH=$(CURDIR)/target/package $(VENV)/bin/python -m pytest -q --nbmake --overwrite target/notebooks
	$(VENV)/bin/python tests/python/notebooks.py target/notebooks docs/notebooks

wheel: $(VENV)/ready ## the Python package as a wheel for Python 3.10 and newer, optimised and stripped: target/wheels (built for it: half an hour)
	$(VENV)/bin/pip install --quiet maturin==1.16.0
	rm -rf target/wheels
	$(VENV)/bin/maturin build --profile $(PACKAGE_PROFILE) --strip --out target/wheels
	rm -rf target/wheel-venv && $(PYTHON) -m venv target/wheel-venv
	target/wheel-venv/bin/pip install --quiet target/wheels/*.whl
	cd target/wheel-venv && bin/python -c 'import rebound_trade' && bin/rebound --version

deb: ## a Debian package of the programs, pipelines, samples, the book and systemd units: target/deb (built for it: half an hour)
	$(MAKE) PROFILE=$(PACKAGE_PROFILE) MEMBERS=--workspace build
	.ci/deb target/$(PACKAGE_PROFILE)

test-clients: sample-lake ## the R package on real data: beside EconGeo, REAT, py-ecomplexity and lm
	command -v Rscript >/dev/null || (apt-get update && apt-get install -y r-base-core r-cran-data.table)
	mkdir -p target/r-library
	R CMD INSTALL --library=target/r-library r
	R_LIBS=target/r-library Rscript r/tests/exchange.R
	R_LIBS=target/r-library REBOUND=$(REBOUND) Rscript tests/r/client.R tests/fixtures target/python-lake

test-oracles: build $(VENV)/ready ## counterfactuals beside statsmodels, pysyncon and causaltensor, which are large: not in CI
	$(VENV)/bin/pip install --quiet statsmodels==0.15.0 pysyncon==1.7.0 causaltensor==0.1.8 cvxpy==1.9.3
	$(VENV)/bin/python tests/python/counterfactuals.py $(REBOUND)

test-serve: build-serve sample-lake test-tools $(VENV)/ready ## the SQL server: its units, and psql, ADBC, Python and a hundred clients at it
	$(if $(MEMBERS),@echo "its units: with the other tests",cargo test --profile $(PROFILE) -p serve -p cluster $(OPTIONS))
	$(VENV)/bin/python tests/python/serve.py $(REBOUND) target/python-lake
	$(VENV)/bin/python tests/python/flight.py $(REBOUND) target/python-lake
	$(VENV)/bin/python tests/python/clients.py $(REBOUND) target/python-lake
	$(if $(MEMBERS),,$(VENV)/bin/python tests/python/memory.py $(REBOUND) target/python-lake)

# Their virtual environments are large, and Java and R too.
test-clients-heavy: build-serve ## larger clients of the SQL server: JDBC, R, dbt, Superset (CLIENTS= chooses): not in CI
	tools=; for tool in java:default-jdk-headless Rscript:r-base-core; do command -v $${tool%%:*} >/dev/null || tools="$$tools $${tool#*:}"; done; \
		for file in /usr/share/java/postgresql.jar:libpostgresql-jdbc-java /usr/lib/R/site-library/RPostgreSQL:r-cran-rpostgresql; do \
		test -e $${file%%:*} || tools="$$tools $${file#*:}"; done; test -z "$$tools" || (apt-get update && apt-get install -y $$tools)
	test -d target/python-lake || $(REBOUND) --quiet run pipelines/australia.yaml --lake target/python-lake
	$(PYTHON) tests/clients/run.py $(REBOUND) target/python-lake $(CLIENTS)

test-cluster: build-cluster ## runs on a Ballista cluster: the same bytes, executors that die
	$(PYTHON) tests/python/cluster.py $(REBOUND)

bench-ingest: build $(VENV)/ready ## ingest and aggregation beside DuckDB and Polars on ROWS made-up records
	$(VENV)/bin/python benches/ingest.py $(REBOUND) --rows $(ROWS)

bench-space: build $(VENV)/ready ## the product space beside py-ecomplexity, econcomplex and numpy
	$(VENV)/bin/pip install --quiet ecomplexity==0.5.3 econcomplex==1.0.1
	$(VENV)/bin/python benches/space.py $(REBOUND)

bench-resilience: build $(VENV)/ready ## the stage resilience at three sizes, beside DuckDB
	@echo "made up: nothing here is a finding"
	$(VENV)/bin/python benches/resilience.py $(REBOUND)

bench-models: build $(VENV)/ready ## regressions with absorbed effects beside pyfixest
	@echo "made up: nothing here is a finding"
	$(VENV)/bin/python benches/models.py $(REBOUND)

bench-python: package $(VENV)/ready ## the Python package beside py-ecomplexity and pyfixest, from within Python
	$(VENV)/bin/pip install --quiet ecomplexity==0.5.3
	PYTHONPATH=$(CURDIR)/target/package $(VENV)/bin/python benches/python_package.py

bench-nightly: build ## nights beside a run from nothing, ROWS made-up records (20 million; ROWS=100000000 for the goals)
	@echo "made up: nothing here is a finding"
	$(PYTHON) benches/nightly.py $(REBOUND) --rows $(ROWS)

bench-nation: build $(VENV)/ready ## all stages on 340 regions x 5000 products x 17 years beside DuckDB on the SQL of one panel
	@echo "made up: nothing here is a finding"
	$(VENV)/bin/python benches/nation.py $(REBOUND) $(if $(PAGE),--into $(PAGE))

bench-growth: build $(VENV)/ready ## how time and memory grow with regions, products, years and records: most of an hour
	@echo "made up: nothing here is a finding"
	$(VENV)/bin/python benches/growth.py $(REBOUND) $(if $(PAGE),--into $(PAGE))

bench-billion: build ## a billion made-up records, packed, to all sums: most of an hour, and up to 40 GB of disk (not in `make bench`; RECORDS=10000000 tries it)
	@echo "made up: nothing here is a finding"
	$(PYTHON) benches/billion.py $(REBOUND) --rows $(RECORDS)

# Debian's PostgreSQL starts a cluster of its own when it is installed; the benchmark makes another in a temporary folder.
bench-load: build-serve $(VENV)/ready ## a hundred clients at `rebound serve` while a run publishes, beside PostgreSQL with the same tables: half an hour
	@echo "made up: nothing here is a finding"
	ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || (apt-get update && apt-get install -y postgresql)
	$(VENV)/bin/python benches/load.py $(REBOUND) $(if $(PAGE),--into $(PAGE))

bench-serve: build-serve $(VENV)/ready ## a panel of 16 million rows fetched by ADBC from the server, over Flight SQL and the PostgreSQL protocol
	@echo "made up: nothing here is a finding"
	$(VENV)/bin/python benches/flight.py $(REBOUND)

# Criterion's own settings, or those of FUNCTIONS.
bench-units: ## single functions timed by criterion: rows read, row groups, relatedness, bootstrap, absorbed effects
	cargo bench --profile $(PROFILE) --bench rows --bench row_groups --bench relatedness --bench intervals --bench effects $(if $(FUNCTIONS),-- $(FUNCTIONS))
	$(PYTHON) benches/history.py criterion

bench: bench-ingest bench-space bench-resilience bench-models bench-python bench-nightly bench-nation bench-growth bench-load bench-serve bench-units ## every benchmark but the billion; what is slower than the last time
	$(PYTHON) benches/history.py

bench-short: FUNCTIONS = --warm-up-time 1 --measurement-time 2 --sample-size 10
bench-short: build $(VENV)/ready ## small sizes of the benchmarks, for every day: under five minutes once built; what is slower than the last time
	@echo "made up: nothing here is a finding"
	$(VENV)/bin/python benches/ingest.py $(REBOUND) --rows 2000000 --repeat 1
	$(VENV)/bin/python benches/nation.py $(REBOUND) --regions 100 --products 1000 --years 12
	$(VENV)/bin/python benches/resilience.py $(REBOUND) --regions 170 --products 2000
	$(VENV)/bin/python benches/models.py $(REBOUND) --rows 500000
	$(MAKE) FUNCTIONS='$(FUNCTIONS)' bench-units
	$(PYTHON) benches/history.py

validate: build ## how often the true parameters of SEEDS made-up nations lie in their intervals
	$(PYTHON) tests/validate.py $(REBOUND) --seeds $(SEEDS)

docs: build ## print the data dictionary, the pages of the reference and the API documentation
	$(REBOUND) describe --all > docs/tables.md
	$(REBOUND) describe commands > docs/reference/command-line.md
	$(REBOUND) describe config > docs/reference/config.md
	cargo doc --workspace --no-deps --profile $(PROFILE)

pictures: build ## draw the picture of the README again
	$(REBOUND) --quiet run pipelines/australia.yaml --lake target/pictures-lake
	$(REBOUND) report pipelines/australia.yaml --lake target/pictures-lake -o target/pictures
	cp target/pictures/figures/quadrants-crisis_2008.svg docs/pictures/quadrants.svg

# mdBook is looked for on the PATH, else built once.
book: ## make pages of the book in docs/: target/book/index.html
	command -v mdbook >/dev/null || test -x $(MDBOOK) || cargo install mdbook --locked --version $(MDBOOK_VERSION) --root target/mdbook
	$$(command -v mdbook || echo $(MDBOOK)) build

# Reports are looked at of the sample and of three small lakes: `make test` looks at eight. `make test-serve` asks functions for memory.
# All is built once: what clippy and rustdoc look at is what the tests run, of the crates together, lightly optimised but for
# the arithmetic, as building costs more than running here. What is downloaded comes beside the build. Tests that wait more than
# they compute go on side by side, each with its output at its end.
ci: export RUSTDOC = $(CURDIR)/.ci/rustdoc
ci: export RUSTC_WORKSPACE_WRAPPER = clippy-driver
ci: export CLIPPY_ARGS = -Dwarnings__CLIPPY_HACKERY__
ci: export RUST_TEST_THREADS = 3
# What joins the work of others is not optimised at all: it would take minutes, and the work is elsewhere. Nobody debugs what is built here.
ci: OPTIONS = $(foreach crate,lake query sources stages report python,--config profile.$(PROFILE).package.$(crate).opt-level=1 --config profile.$(PROFILE).package.$(crate).codegen-units=16) \
	$(foreach crate,project rebound serve cluster,--config profile.$(PROFILE).package.$(crate).opt-level=0 --config profile.$(PROFILE).package.$(crate).codegen-units=16) \
	--config profile.$(PROFILE).debug=0
ci: ## what CI runs: one build for all
	cargo fmt --all --check
	$(MAKE) -j2 MEMBERS=--workspace OPTIONS="$(OPTIONS)" test-rust test-tools $(VENV)/ready
	$(MAKE) MEMBERS=--workspace OPTIONS="$(OPTIONS)" package
	$(MAKE) -j3 --output-sync=target MEMBERS=--workspace OPTIONS="$(OPTIONS)" test-python test-package test-s3 test-serve test-cluster test-notebooks test-clients demo

clean: ## remove what was built and the demo's lake
	rm -rf target lake
