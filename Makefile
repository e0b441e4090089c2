# Every target that needs LibTorch sets it up first. CUDA=1 makes the build that
# serves CPUs and GPUs; TORCH=X.Y.Z chooses LibTorch's version, LIBTORCH=DIR one that
# is there; ARGS passes arguments to demo, compare and interop.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
ENV := . scripts/env.sh
# Small tensors gain nothing from many threads, and lose by waiting for them.
THREADS = $$(n=$$(getconf _NPROCESSORS_ONLN); echo $$((n < 4 ? n : 4)))
export PYTHON
ifdef CUDA
export CUDA
endif
ifdef LIBTORCH
export LIBTORCH
endif
ifdef CIFAR10
export CIFAR10
endif
ifdef TORCH
export TORCH
endif

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

setup: ## put LibTorch into the per-user cache, or take the torch of $PYTHON, and link it as .libtorch
	@command -v go >/dev/null || { echo "setup: no Go in PATH: install Go 1.26 or newer" >&2; exit 1; }
	@scripts/libtorch.sh

build: setup ## build bin/run, which runs from any folder
	@$(ENV) && go build -o bin/run ./run

plugin: setup ## build bin/icl-msr.so, the Go plugin (the first time minutes: gotch once more, position independent)
	@$(ENV) && go build -buildmode=plugin -o bin/icl-msr.so ./run

demo: build ## train SimCLR and SimCLR+MSR on the embedded pictures, compare them on a page
	@bin/run demo $(ARGS)

test: setup ## run all tests
	@$(ENV) && OMP_NUM_THREADS=$${OMP_NUM_THREADS:-$(THREADS)} go test -timeout 30m -p 1 ./...

test-libtorch: ## run all tests against LibTorch TORCH=X.Y.Z, then exchange files and jobs with that PyTorch
	@test -n "$(TORCH)" || { echo "test-libtorch: which version? say make test-libtorch TORCH=2.6.0" >&2; exit 2; }
	@$(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory interop ARGS="--torch $(TORCH) $(ARGS)"

test-plugin: plugin ## open the plugin in a host program, train and embed with it
	@$(ENV) && ICLMSR_PLUGIN=$(CURDIR)/bin/icl-msr.so go test -count=1 ./pluginhost

test-race: setup ## run the concurrent parts' tests under the race detector (builds gotch once more)
	@$(ENV) && OMP_NUM_THREADS=$${OMP_NUM_THREADS:-$(THREADS)} go test -race -p 1 ./torch ./datasets ./meta

bench: setup ## run the benchmarks
	@$(ENV) && go test -p 1 -run '^$$' -bench . -benchmem ./...

compare: build ## time this program against PyTorch in one run (ARGS="--torch 2.15.0", --help); writes compare.json
	@$(ENV) && go build -o bin/compare ./scripts/compare
	@$(PYTHON) scripts/compare/compare.py $(ARGS)

interop: build ## exports, imports and jobs of torchrun against the build's PyTorch and the current one (ARGS="--torch 2.6.0 export import launch")
	@scripts/interop/interop.sh $(ARGS)

# A bundle is for GPUs unless CUDA=0 is given, with which it can only rehearse.
gpu-bundle gpu-report: export CUDA ?= 1

gpu-bundle: setup ## pack bin/gpu for a machine with a GPU and the installed torch, without Go (CIFAR10=PATH: with CIFAR-10)
	@scripts/gpu/bundle.sh

gpu-report: setup ## the report of that bundle on this machine's GPU (ARGS: quick, full, part NAME, --resume; see docs/gpu.md)
	@PACK=0 scripts/gpu/bundle.sh
	@bin/gpu/gpu-report.sh $(ARGS)

# Not compat.hpp: each change to it compiles gotch anew.
CFILES = $(filter-out %/compat.hpp,$(foreach dir,torch/internal/shim internal/standin internal/jpeg,$(wildcard $(dir)/*.cpp $(dir)/*.hpp $(dir)/*.c $(dir)/*.h)))

fmt: ## format Go by gofmt, and C and C++ by clang-format where that is installed
	@gofmt -w .
	@if command -v clang-format >/dev/null; then clang-format -i $(CFILES); else echo "fmt: no clang-format here" >&2; fi

lint: setup ## gofmt, clang-format (where it is installed), go mod tidy, go vet and staticcheck
	@files=$$(gofmt -l .) && test -z "$$files" || { echo "gofmt: $$files: run make fmt" >&2; exit 1; }
	@! command -v clang-format >/dev/null || clang-format --dry-run --Werror $(CFILES)
	@go mod tidy -diff >/dev/null || { echo "go.mod, go.sum: run go mod tidy" >&2; exit 1; }
	@$(ENV) && go vet ./... && go run $(STATICCHECK) ./...

docs: setup ## write docs/reference/flags.md from the help texts, docs/reference/recipes.md from the recipes
	@$(ENV) && go test ./run -count=1 -run '^TestFlagsReference$$' -update && echo "docs/reference/flags.md is up to date"
	@$(ENV) && go test ./methods -count=1 -run '^TestRecipesReference$$' -update && echo "docs/reference/recipes.md is up to date"

check-docs: setup ## check the documents: links, files that they name, and the references of flags and recipes
	@$(PYTHON) scripts/check_links_test.py 2>&1 | tail -1 | grep -qx OK || { $(PYTHON) scripts/check_links_test.py; exit 1; }
	@$(PYTHON) scripts/check_links.py
	@$(ENV) && go test ./run ./examples ./methods -count=1 -run '^(TestFlagsReference|TestRecipesReference|TestDocumentsName|TestReadmeShows)'

go-env: setup ## write the cgo flags with `go env -w`, for plain go commands everywhere
	@scripts/go_env.sh set

go-env-undo: ## take that back
	@scripts/go_env.sh undo

clean: ## remove what was built here (LibTorch stays in the cache)
	@rm -rf bin .libtorch .venv-torch .venv-interop

.PHONY: help setup build plugin demo test test-libtorch test-plugin test-race bench compare interop gpu-bundle gpu-report fmt lint docs check-docs go-env go-env-undo clean
