package stream

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the figures of the loops, as /metrics shows them.
type Metrics struct {
	Events      *prometheus.CounterVec // by kind
	DeadLetters *prometheus.CounterVec // by reason
	Unknown     *UnknownFields         // fields of documents that nobody knows
	Strange     *prometheus.CounterVec // values of documents that no register has, by kind and field
	Conflicts   prometheus.Counter     // reports that came again and said something else
	Legs        prometheus.Counter
	Alerts      *prometheus.CounterVec // by action
	Notes       prometheus.Counter     // of risk, to other entities
	Brakes      prometheus.Gauge       // that have fallen
	Deliveries  *prometheus.CounterVec // of messages to banks: bank, result
	Waiting     *prometheus.GaugeVec   // messages that a bank has not got yet
	Breaker     *prometheus.GaugeVec   // 1 while a bank is left alone
	Stops       *prometheus.CounterVec // by state that they came into
	Rows        *prometheus.CounterVec // by table
	Cold        *prometheus.CounterVec // look-ups of states that are not hot, by where they were found
	Hot         *prometheus.GaugeVec   // hot entities by partition
	Failing     *prometheus.GaugeVec   // 1 where a partition of this process does not work, by loop and partition
	Chain       *prometheus.CounterVec // legs by source partition and what became of them
	Gap         *prometheus.GaugeVec   // 1 where legs of a source partition are missing: source, legs partition
	Quarantined *prometheus.CounterVec // records that a loop could not work on: loop, topic
	Lag         *prometheus.GaugeVec   // messages behind, by loop and partition
	Behind      *prometheus.GaugeVec   // seconds behind, likewise

	Checkpoints     *prometheus.CounterVec // local and remote
	CheckpointBytes *prometheus.CounterVec // likewise
	Copying         *prometheus.GaugeVec   // 1 while a partition's states are copied to this machine
	Copied          prometheus.Counter     // states that were
	Provisional     *prometheus.GaugeVec   // 1 while a partition is scored without its past

	progress progress
}

// NewMetrics makes the figures and registers them.
func NewMetrics(r prometheus.Registerer) *Metrics {
	vec := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "stopline", Name: name, Help: help},
			[]string{label})
	}
	m := &Metrics{
		Events:      vec("events_total", "Events read and accepted.", "kind"),
		DeadLetters: vec("dead_letters_total", "Documents refused.", "reason"),
		Unknown:     newUnknownFields(),
		Strange: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "stopline", Name: "unknown_values_total",
			Help: "Districts, types of fraud and banks of documents on Kafka that no register has."}, []string{"kind", "field"}),
		Conflicts: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "stopline", Name: "report_conflicts_total",
			Help: "Reports that came again under their id and said something else."}),
		Legs: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "stopline", Name: "legs_total",
			Help: "Legs scored."}),
		Alerts: vec("alerts_total", "Alerts raised.", "action"),
		Notes: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "stopline", Name: "risk_notes_total",
			Help: "Notes of risk written to neighbours."}),
		Deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "stopline", Name: "deliveries_total",
			Help: "Attempts to hand a message to a bank."}, []string{"bank", "result"}),
		Waiting: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "stopline", Name: "bank_waiting",
			Help: "Messages that a bank has not got yet."}, []string{"bank"}),
		Breaker: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "stopline", Name: "bank_breaker_open",
			Help: "1 while a bank that failed too often is left alone."}, []string{"bank"}),
		Brakes: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "stopline", Name: "brakes_fallen",
			Help: "Brakes on automatic stops that wait for a person."}),
		Stops: vec("stops_total", "Stops by the state that they came into.", "state"),
		Rows:  vec("warehouse_rows_total", "Rows written to ClickHouse.", "table"),
		Cold:  vec("cold_lookups_total", "Entities looked up that are not hot, by where they were found.", "outcome"),
		Checkpoints: vec("checkpoints_total", "Checkpoints of the scoring state: on this machine's disk, in ClickHouse.",
			"where"),
		CheckpointBytes: vec("checkpoint_bytes_total", "Bytes of states in these checkpoints.", "where"),
		Copying: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "stopline", Name: "state_copying",
			Help: "1 while a partition's states are copied from ClickHouse to this machine."}, []string{"partition"}),
		Copied: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "stopline", Name: "state_copied_total",
			Help: "States copied from ClickHouse to this machine."}),
		Provisional: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "stopline", Name: "scoring_provisional",
			Help: "1 while a partition is scored without its past, which cannot be read."}, []string{"partition"}),
		Hot: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "stopline", Name: "hot_entities",
			Help: "Entities in the LRU."}, []string{"partition"}),
		Lag: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "stopline", Name: "lag_messages",
			Help: "Kafka messages that a loop has not worked off, measured at the partition's end."},
			[]string{"loop", "partition"}),
		Behind: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "stopline", Name: "lag_seconds",
			Help: "How long the oldest message has waited that a loop has not worked off."}, []string{"loop", "partition"}),
	}
	m.Chain = prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "stopline", Name: "chain_legs_total",
		Help: "Legs by the source partition that they came from and what became of them: applied, " +
			"repeated, replaced or gap."}, []string{"source", "fate"})
	m.Gap = prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "stopline", Name: "chain_gap",
		Help: "1 where legs of a source partition are missing, and nothing of it is scored until they are written again."},
		[]string{"source", "partition"})
	m.Quarantined = prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "stopline", Name: "quarantined_total",
		Help: "Records that a loop could not work on and passed over."}, []string{"loop", "topic"})
	m.Failing = prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "stopline", Name: "partition_failing",
		Help: "1 where a loop cannot work on a partition and tries again."}, []string{"loop", "partition"})
	r.MustRegister(m.Failing, m.Chain, m.Gap, m.Quarantined, m.Unknown.total, m.Strange, m.Conflicts, m.Lag, m.Behind)
	r.MustRegister(m.Events, m.DeadLetters, m.Legs, m.Alerts, m.Notes, m.Brakes, m.Deliveries, m.Waiting, m.Breaker,
		m.Stops,
		m.Rows, m.Cold, m.Checkpoints, m.CheckpointBytes, m.Copying, m.Copied, m.Provisional, m.Hot)
	return m
}

// maxFieldNames bounds the names of unknown fields that are counted one by one:
// a source that makes names up must not fill the memory.
const maxFieldNames = 100

// UnknownFields counts fields of documents that nobody knows, by kind and name.
// It is safe for many goroutines.
type UnknownFields struct {
	total *prometheus.CounterVec
	mu    sync.Mutex
	names map[string]bool
}

func newUnknownFields() *UnknownFields {
	opts := prometheus.CounterOpts{Namespace: "stopline", Name: "unknown_fields_total",
		Help: "Fields of documents on Kafka that nobody knows: a newer source's, or misspelt ones."}
	return &UnknownFields{total: prometheus.NewCounterVec(opts, []string{"kind", "field"}), names: map[string]bool{}}
}

// Count counts one; beyond so many names they are all "other".
func (u *UnknownFields) Count(kind, field string) {
	u.mu.Lock()
	if !u.names[field] {
		if len(u.names) >= maxFieldNames || len(field) > maxFieldName {
			field = "other"
		} else {
			u.names[field] = true
		}
	}
	u.mu.Unlock()
	u.total.WithLabelValues(kind, field).Inc()
}

// maxFieldName bounds a name that is counted, in bytes.
const maxFieldName = 128
