# The two commands are `make demo` and `make test`; the rest serves them.
FORYOU = infra/cli/foryou

.PHONY: help bootstrap demo up down test bench quality interop mutants schemas

help:
	@echo "make demo      start everything and watch it learn (DEMO_SECONDS=60 ends by itself)"
	@echo "make test      everything, on its own ports and folders"
	@echo "make up|down   start and stop the stack in the background"
	@echo "make bench     all benchmarks (ONLY=name for one, BENCH_OUT=file for JSON)"
	@echo "make quality   recommenders and ranker on real data beside the usual opponents (ONLY=name for one)"
	@echo "make interop   open the feature snapshots in Feast, pandas and DuckDB; rank with a model of scikit-learn"
	@echo "make mutants   switch each safety mechanism off and see its test go red"
	@echo "make schemas   write schemas/avro/*.avsc from the contracts"

bootstrap:
	@sh infra/bootstrap.sh

demo: bootstrap
	@exec $(FORYOU) demo

up: bootstrap
	@$(FORYOU) up

down:
	@$(FORYOU) down

test:
	@sh infra/bootstrap.sh test
	@npm test --silent

bench: bootstrap
	@npm run --silent bench -- $(if $(ONLY),--only $(ONLY),)

quality: bootstrap
	@exec $(FORYOU) quality $(if $(ONLY),--only $(ONLY),)

interop: bootstrap
	@npm run --silent interop

mutants: bootstrap
	@npm run --silent mutants -- $(ONLY)

schemas: bootstrap
	@npm run --silent schemas
