# Stopline. "make help" lists what there is to do.

GO      ?= go
BIN     := bin/stopline
ENGINE  := store/embedded/node_modules/@chdb/lib-linux-x64-gnu/libchdb.so
CHARTS  := api/console/static/lib/echarts.js
FONT    := api/report/assets/NotoSansSC-Regular.ttf
DATA    ?= ./data
LINT    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
export GOFLAGS := -buildvcs=false

# What the binary says of itself. A clone that belongs to another user is read all the same: nothing of it is run.
GIT     := git -c safe.directory='*'
COMMIT  := $(shell $(GIT) rev-parse HEAD 2>/dev/null || echo unknown)
DIRTY   := $(shell $(GIT) rev-parse HEAD >/dev/null 2>&1 || { echo unknown; exit; }; [ -z "$$($(GIT) status --porcelain)" ] && echo false || echo true)
STAMP   := -X main.commit=$(COMMIT) -X main.modified=$(DIRTY)

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@echo "Stopline: the transaction-stop service of an anti-fraud center"; echo
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.PHONY: run
run: build ## Set everything up and run the service in a simulated city, until Ctrl-C
	@exec $(BIN) demo --data $(DATA)

.PHONY: test
test: build browser ## Set everything up and pass every test, with the race detector
	@echo "testing: unit tests, the real embedded servers, the real binary (about ten minutes)"
	$(GO) vet ./...
	$(GO) test -race -timeout 20m ./...

# Rooms whose tests start a server or a whole service.
SERVED := /cmd/stopline$$|/backtest$$|/stream$$|/stream/kafka$$|/stream/broker$$|/store/warehouse$$|/store/embedded$$

.PHONY: check
check: ## Pass the tests that need no server: half a minute, for each small change
	$(GO) vet ./...
	$(GO) test $$($(GO) list ./... | grep -vE '$(SERVED)')
	$(GO) test -run 'TestTidy|TestImports|TestFeaturesAre|TestMessagesAre|TestAutomatic' ./cmd/stopline

.PHONY: font
font: $(FONT) ## Fetch the font of printed reports (once, 57 MB)

$(FONT): api/report/package-lock.json
	@echo "fetching the font of printed reports (once, 57 MB)"
	@cd api/report && npm ci --no-audit --no-fund --loglevel=error
	@cp api/report/node_modules/@expo-google-fonts/noto-sans-sc/400Regular/NotoSansSC_400Regular.ttf $@

.PHONY: charts
charts: $(CHARTS) ## Fetch the charts' library, and what the console is checked with (once, 70 MB)

$(CHARTS): api/console/package-lock.json
	@echo "fetching the console's charts (once, 70 MB)"
	@cd api/console && npm ci --no-audit --no-fund --loglevel=error
	@mkdir -p $(@D) && cp api/console/node_modules/echarts/dist/echarts.esm.min.js $@

.PHONY: browser
browser: $(CHARTS) ## Install Chromium, and what the console and the papers are checked with
	@command -v pdftotext >/dev/null || (apt-get update -qq && apt-get install -y -qq --no-install-recommends poppler-utils) >/dev/null 2>&1 || echo "poppler-utils could not be installed (it takes root and Debian): the tests of PDFs say so and are skipped"
	@command -v chromium >/dev/null || { echo "installing chromium for the browser tests"; (apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk) >/dev/null 2>&1 || echo "chromium could not be installed (it takes root and Debian): the browser tests say so and are skipped"; }

.PHONY: test-browser
test-browser: build browser ## Try the console in a real browser
	$(GO) test -count 1 -run TestBrowser ./cmd/stopline

.PHONY: build
build: engine font charts modules ## Build bin/stopline
	@echo "building $(BIN) (the first time every package is compiled: a minute or two; after that seconds)"
	@$(GO) build -trimpath -ldflags "$(STAMP)" -o $(BIN) ./cmd/stopline

.PHONY: modules
modules:
	@echo "fetching the Go modules that are missing"
	@$(GO) mod download

.PHONY: engine
engine: $(ENGINE) ## Fetch the ClickHouse engine (once, 180 MB)

$(ENGINE): store/embedded/package-lock.json
	@command -v npm >/dev/null || { echo "npm is needed to fetch the ClickHouse engine: install Node.js 20 or later, or run with --clickhouse HOST:PORT" >&2; exit 1; }
	@[ "$$(uname -s)-$$(uname -m)" = Linux-x86_64 ] || { echo "the embedded engine is locked for Linux on x86-64: elsewhere, build with 'go build ./cmd/stopline' and use --clickhouse HOST:PORT" >&2; exit 1; }
	@echo "fetching the ClickHouse engine (once, 180 MB)"
	@cd store/embedded && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: bench
bench: build ## Measure the scoring engine and the whole pipeline on this machine
	$(GO) test -run '^$$' -bench . -benchmem ./scoring/... ./stream/event
	$(BIN) bench --data $(DATA)/bench

.PHONY: replay
replay: build ## Score a history: make replay FORMAT=paysim FILE=paysim.csv.gz
	$(BIN) replay --data $(DATA)/replay --format $(FORMAT) $(FILE)

.PHONY: lint
lint: charts ## Check style and likely mistakes
	@cd api/console && npx prettier --check static/*.js static/*.css static/*.html types/*.ts && npx tsc -p tsconfig.json
	$(GO) run $(LINT) run ./...

# Each is a fuzz target and its room.
FUZZED   := FuzzParse:./stream/event FuzzBlock:./stream/event FuzzInner:./stream/event FuzzCatalogue:./scoring/pattern \
            FuzzReadState:./scoring FuzzControls:./scoring FuzzParse:./api/iso20022
FUZZTIME ?= 60s

.PHONY: fuzz
fuzz: ## Feed the parsers rubbish for a minute each (FUZZTIME=5s: shorter)
	@set -e; for f in $(FUZZED); do \
	  $(GO) test -run '^$$' -fuzz "^$${f%%:*}$$" -fuzztime $(FUZZTIME) "$${f#*:}"; done

.PHONY: mutate
mutate: ## Say which small changes of the pure rooms no test notices (about an hour): SEED=1 SAMPLE=60
	$(GO) run ./.ci/mutate -seed $(or $(SEED),1) -n $(or $(SAMPLE),60) $$($(GO) list ./store/ledger/... ./scoring/... ./stream/casework ./stream/event)

.PHONY: clean
clean: ## Remove what was built, and the data of local runs
	rm -rf bin $(DATA)
