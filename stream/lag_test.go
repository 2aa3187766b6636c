package stream

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

func gauge(t *testing.T, v *prometheus.GaugeVec, labels ...string) float64 {
	t.Helper()
	var m dto.Metric
	if err := v.WithLabelValues(labels...).Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.Gauge.GetValue()
}

// A loop that stands still falls behind, in messages and in seconds since the
// oldest of them came; one that moves catches up; two loops on one partition are
// told apart; a partition that is given up is forgotten.
func TestLagIsMeasuredFromOutside(t *testing.T) {
	m := NewMetrics(prometheus.NewRegistry())
	o := NewLagObserver(nil, m, time.Second, nil)
	now := time.Unix(1000, 0)
	score, books := reading{"score", "legs", 3}, reading{"warehouse", "legs", 3}
	look := func(end int64, after time.Duration) {
		now = now.Add(after)
		o.ended(reading{topic: "legs", partition: 3}, end, now)
		o.note(m.progress.all(), now)
	}
	expect := func(what string, loop string, messages float64, since time.Duration) {
		t.Helper()
		label := loop
		if loop == "warehouse" {
			label = "warehouse legs"
		}
		if got := gauge(t, m.Lag, label, "3"); got != messages {
			t.Errorf("%s: %s is %v messages behind, want %v", what, loop, got, messages)
		}
		if got, known := o.Behind(loop); got != since || !known {
			t.Errorf("%s: %s is %s behind (%v), want %s", what, loop, got, known, since)
		}
		if got := gauge(t, m.Behind, label, "3"); got != since.Seconds() {
			t.Errorf("%s: the gauge says %v s, want %s", what, got, since)
		}
	}
	if _, known := o.Behind("score"); known {
		t.Error("known before the first look")
	}
	m.progress.reached(score, 100)
	m.progress.reached(books, 90)
	look(100, 0)
	expect("caught up", "score", 0, 0)
	expect("behind from the start", "warehouse", 10, 0)
	look(120, 5*time.Second)
	look(150, 2*time.Second)
	expect("50 came, the oldest two seconds ago", "score", 50, 2*time.Second)
	expect("60 behind, the oldest for seven", "warehouse", 60, 7*time.Second)
	m.progress.reached(score, 119)
	look(150, time.Second)
	expect("one of the first twenty is left", "score", 31, 3*time.Second)
	m.progress.reached(score, 120)
	look(150, time.Second)
	expect("those of the second look are left", "score", 30, 2*time.Second)
	m.progress.reached(score, 150)
	look(150, time.Hour)
	expect("caught up again", "score", 0, 0)
	expect("while the books stand still", "warehouse", 60, time.Hour+9*time.Second)
	if got, _ := o.Behind("score", "warehouse"); got != time.Hour+9*time.Second {
		t.Errorf("the worst of both is %s", got)
	}
	m.progress.left(books)
	look(200, time.Second)
	if got, _ := o.Behind("warehouse"); got != 0 {
		t.Errorf("a partition that was given up is %s behind", got)
	}
	m.progress.reached(reading{topic: "stops"}, 7) // of no loop: it reads nothing
	if n := len(m.progress.all()); n != 1 {
		t.Errorf("%d readings are followed, want the scorer's alone", n)
	}
}

// However long a loop stands, what is remembered is bounded, and its lag in
// seconds stays that of the oldest message.
func TestLagIsBounded(t *testing.T) {
	m := NewMetrics(prometheus.NewRegistry())
	o := NewLagObserver(nil, m, time.Second, nil)
	r := reading{"score", "legs", 0}
	m.progress.reached(r, 0)
	now := time.Unix(0, 0)
	for i := range 10 * maxEnds {
		o.ended(reading{topic: "legs"}, int64(i+1), now)
		now = now.Add(time.Second)
	}
	o.note(m.progress.all(), now)
	if n := len(o.ends[reading{topic: "legs"}]); n > maxEnds {
		t.Errorf("%d ends are kept, want at most %d", n, maxEnds)
	}
	if got, _ := o.Behind("score"); got != 10*maxEnds*time.Second {
		t.Errorf("behind by %s, want %s", got, 10*maxEnds*time.Second)
	}
}
