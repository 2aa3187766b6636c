package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"stopline.internal/stream/event"
)

// The pace follows the service: a fifth less while it is too far behind, nothing
// while it is adrift, no change between, and up again to what was asked for.
func TestPaceFollowsTheService(t *testing.T) {
	for _, c := range []struct {
		name        string
		pace, speed float64
		behind      time.Duration
		want        float64
	}{
		{"at ease at full speed", 300, 300, 0, 300},
		{"at ease below it: 5 % and half a percent of the speed more", 100, 300, 250 * time.Millisecond, 106.5},
		{"close to full speed: not beyond it", 299, 300, 10 * time.Millisecond, 300},
		{"neither at ease nor too far", 100, 300, 400 * time.Millisecond, 100},
		{"too far behind: a fifth less", 100, 300, 600 * time.Millisecond, 80},
		{"never below a hundredth while it moves", 3.1, 300, time.Second, 3},
		{"adrift: the city stands still", 100, 300, 3 * time.Second, 0},
		{"caught up again: it begins slowly", 0, 300, 100 * time.Millisecond, 4.65},
	} {
		if got := paceFor(c.pace, c.speed, c.behind); got < c.want-1e-9 || got > c.want+1e-9 {
			t.Errorf("%s: %v after %v of %v, want %v", c.name, got, c.pace, c.speed, c.want)
		}
	}
}

// The city's time never jumps when its pace changes, and stands while it is 0; a
// sleep is as long as the city's time makes it.
func TestCityClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := event.InstantOf(time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC))
		c := &cityClock{at: start, speed: 300}
		time.Sleep(time.Hour)
		if c.now() != start {
			t.Errorf("a clock that was not started went to %s", c.now())
		}
		expect := func(what string, want time.Duration) {
			t.Helper()
			if got := c.now().Sub(start); got != want {
				t.Errorf("%s: %s of the city, want %s", what, got, want)
			}
		}
		c.run(300)
		time.Sleep(2 * time.Second)
		expect("two seconds at 300", 10*time.Minute)
		c.run(100)
		expect("the pace changes", 10*time.Minute)
		time.Sleep(3 * time.Second)
		expect("and three at 100", 15*time.Minute)
		c.run(0)
		time.Sleep(time.Minute)
		expect("and a minute of standing still", 15*time.Minute)
		c.run(9000)
		if c.current() != 300 {
			t.Errorf("the pace is %v, more than was asked for", c.current())
		}
		done := make(chan time.Duration)
		began := time.Now()
		go func() {
			c.sleep(t.Context(), 10*time.Minute)
			done <- time.Since(began)
		}()
		time.Sleep(time.Second) // half of it
		c.run(30)               // the other half takes ten seconds
		if took := <-done; took < 11*time.Second || took > 13*time.Second {
			t.Errorf("ten minutes of the city, half at 300 and half at 30, took %s, want 11 s", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		c.run(0)
		c.sleep(ctx, time.Hour) // returns
	})
}

// What the machine carries is the pace of the last ten seconds.
func TestCarried(t *testing.T) {
	wall, at := time.Unix(0, 0), event.Instant(0)
	var c carried
	for range 60 { // half a minute at 300
		c.note(wall, at)
		wall, at = wall.Add(500*time.Millisecond), at.Add(150*time.Second)
	}
	var got float64
	for range 21 { // ten seconds at 100
		got = c.note(wall, at)
		wall, at = wall.Add(500*time.Millisecond), at.Add(50*time.Second)
	}
	if got < 99 || got > 101 {
		t.Errorf("carried ×%.1f, want ×100", got)
	}
	if s := paceWords(100, 300); s != "×300 asked for, this machine carries ×100" {
		t.Error(s)
	}
	if s := paceWords(299, 300); s != "×300" {
		t.Error(s)
	}
}
